package watch_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// entry is what a receiver keeps of a vulnerability.
type entry struct {
	ID             string        `json:"CVE_ID"`
	Key            string        `json:"Key"`
	Records        []string      `json:"Records"`
	PackageName    string        `json:"Package_Name"`
	PackageVersion string        `json:"Package_Version"`
	PackageType    string        `json:"Package_Type"`
	Severity       vuln.Severity `json:"Severity"`
	FixState       vuln.FixState `json:"Fix_State"`
	Fix            string        `json:"Fix_Available"`
	Exploited      bool          `json:"Known_Exploited"`
	Previous       *entry        `json:"previous"`
}

func (e entry) place(key string) string {
	return strings.Join([]string{key, e.PackageName, e.PackageVersion, e.PackageType}, " ")
}

// receiver keeps a list from bodies alone, as the documentation says.
type receiver map[string]entry

func (r receiver) apply(t *testing.T, n notification.Notification) {
	t.Helper()
	var body struct {
		Difference struct{ Added, Updated, Removed []entry } `json:"diff_vulnerability_result"`
	}
	if err := json.Unmarshal(n.Payload, &body); err != nil {
		t.Fatal(err)
	}
	remove := func(place string) {
		if _, known := r[place]; !known {
			t.Errorf("%s goes or changes, which never came", place)
		}
		delete(r, place)
	}
	for _, e := range body.Difference.Removed {
		remove(e.place(e.Key))
	}
	for _, e := range body.Difference.Updated {
		remove(e.place(e.Previous.Key))
	}
	for _, e := range slices.Concat(body.Difference.Updated, body.Difference.Added) {
		e.Previous = nil
		if _, known := r[e.place(e.Key)]; known {
			t.Errorf("%s comes twice", e.place(e.Key))
		}
		r[e.place(e.Key)] = e
	}
}

// listOf is the list as a receiver should have it.
func listOf(findings []vuln.Finding) receiver {
	list := receiver{}
	for _, f := range vuln.Merge(findings) {
		e := entry{ID: f.ID, Key: f.Key(), Records: f.Records, PackageName: f.Package.Name, PackageVersion: f.Package.Version,
			PackageType: policy.PackageType(f.Package.Type), Severity: f.Severity, FixState: f.Fix.State,
			Fix: cmp.Or(strings.Join(f.Fix.Versions, ","), "None"), Exploited: f.KnownExploited}
		list[e.place(e.Key)] = e
	}
	return list
}

// TestReceiversKeepTheExactList: vulnerabilities come, go, change, and change their
// names in every way that advisory databases know; who applies the bodies has the
// tag's list after each of them.
func TestReceiversKeepTheExactList(t *testing.T) {
	t.Parallel()
	renamed := 0
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 3))
		state, kept := recorded(), receiver{}
		state.Vulnerabilities = nil
		var data []vuln.Finding
		for day := range 25 {
			data = nextDay(random, data)
			seen := unchanged()
			seen.Basis.Build, seen.Vulnerabilities = fmt.Sprint("build ", day), vuln.Merge(data)
			decision := decide(t, state, seen, everyone(subscription.Options{}))
			state = decision.State
			for _, n := range decision.Notifications {
				kept.apply(t, n)
				renamed += strings.Count(string(n.Payload), `"changes":["name"]`)
			}
			if diff := gocmp.Diff(listOf(data), kept); diff != "" {
				t.Fatalf("seed %d, day %d (-the tag's list +the receiver's):\n%s", seed, day, diff)
			}
			if diff := gocmp.Diff(idsOf(data), kept.ids()); diff != "" {
				t.Fatalf("seed %d, day %d: ids (-the records' +the receiver's):\n%s", seed, day, diff)
			}
		}
	}
	if renamed < 100 {
		t.Errorf("only %d vulnerabilities changed nothing but their name: the test says nothing", renamed)
	}
}

// idsOf are the ids of the records, each with its package, as tagwatch
// vulnerabilities lists them.
func idsOf(findings []vuln.Finding) []string {
	var ids []string
	for _, f := range findings {
		ids = append(ids, f.ID+" "+f.Package.Name)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (r receiver) ids() []string {
	var ids []string
	for _, e := range r {
		for _, id := range e.Records {
			ids = append(ids, id+" "+e.PackageName)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// nextDay changes some of the findings of a day.
func nextDay(random *rand.Rand, data []vuln.Finding) []vuln.Finding {
	next := slices.Clone(data)
	for range 1 + random.IntN(3) {
		if len(next) == 0 || random.IntN(4) == 0 {
			next = append(next, someFinding(random))
			continue
		}
		at := random.IntN(len(next))
		f := &next[at]
		f.Related = slices.Clone(f.Related)
		switch random.IntN(9) {
		case 0: // withdrawn
			next = slices.Delete(next, at, at+1)
		case 1: // its CVE becomes known, or another one
			f.Related = append(f.Related, vuln.Related{ID: someID(random, "CVE")})
		case 2: // known to another database too
			f.Related = append(f.Related, vuln.Related{ID: someID(random, "GHSA")})
		case 3: // reissued
			former := f.ID
			f.ID, f.Namespace = someID(random, []string{"GHSA", "GO", "CVE"}[random.IntN(3)]), "govulndb:language:go"
			if random.IntN(2) == 0 {
				f.Related = append(f.Related, vuln.Related{ID: former})
			}
		case 4: // becomes two
			other := *f
			f.ID, f.Related, other.ID, other.Related = someID(random, "CVE"), nil, someID(random, "CVE"), nil
			next = append(next, other)
		case 5: // two records of one vulnerability
			other := *f
			other.ID, other.Namespace, other.Related = f.Key(), "nvd:cpe", nil
			next = append(next, other)
		case 6:
			f.Related = nil
		case 7:
			f.Severity = vuln.Severities[random.IntN(len(vuln.Severities))]
		case 8:
			f.KnownExploited, f.Fix.State = !f.KnownExploited, []vuln.FixState{vuln.FixNone, vuln.FixWont}[random.IntN(2)]
		}
	}
	return next
}

func someFinding(random *rand.Rand) vuln.Finding {
	f := finding(someID(random, []string{"GHSA", "GO", "CVE", "ELSA"}[random.IntN(4)]), vuln.High)
	f.Package.Name = []string{"openssl", "zlib"}[random.IntN(2)]
	f.Namespace = []string{"github:language:go", "nvd:cpe", "debian:distro:debian:12"}[random.IntN(3)]
	return f
}

// someID is one of few, so that they meet.
func someID(random *rand.Rand, kind string) string { return fmt.Sprintf("%s-%d", kind, random.IntN(6)) }

// TestChangeOfNameIsNotifiedByItself: nothing but the name differs.
func TestChangeOfNameIsNotifiedByItself(t *testing.T) {
	t.Parallel()
	before := finding("GHSA-1", vuln.High)
	before.Related = []vuln.Related{{ID: "CVE-2026-1"}}
	after := finding("GO-1", vuln.High)
	after.Related = before.Related
	state, seen := recorded(), unchanged()
	state.Vulnerabilities, seen.Vulnerabilities = []vuln.Finding{before}, []vuln.Finding{after}
	seen.Basis.Build = "build 2"
	for _, options := range []subscription.Options{{}, {MinSeverity: vuln.High}} {
		decision := decide(t, state, seen, everyone(options))
		if got := notified(decision); !slices.Equal(got, []string{"vuln_update feed"}) {
			t.Fatalf("sent %v, want one vuln_update", got)
		}
		n := decision.Notifications[0]
		if want := "1 vulnerability updated: GO-1 (was GHSA-1)"; !strings.HasSuffix(n.Summary, want) {
			t.Errorf("summary %q, want %q", n.Summary, want)
		}
		for _, want := range []string{`"changes":["name"]`, `"previous":{"CVE_ID":"GHSA-1","Key":"CVE-2026-1"`, `"renamed":1`} {
			if !strings.Contains(string(n.Payload), want) {
				t.Errorf("the body lacks %s: %s", want, n.Payload)
			}
		}
		if again, err := watch.Decide(target, decision.State, seen, everyone(options), noon); err != nil || len(again.Notifications) > 0 {
			t.Errorf("sent again: %v, %v", notified(again), err)
		}
	}
}
