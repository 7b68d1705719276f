package watch_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// listed is the difference in a body of vuln_update.
type listed struct {
	Difference struct {
		Added, Updated, Removed []struct {
			ID           string `json:"CVE_ID"`
			Exploitation *struct {
				Added         string `json:"date_added"`
				FirstNotified string `json:"first_notified"`
			} `json:"Known_Exploitation"`
		}
		LeftOut notification.LeftOut `json:"left_out"`
	} `json:"diff_vulnerability_result"`
}

// received is what an endpoint gets of the notification of a type; false for nothing.
func received(t *testing.T, d watch.Decision, kind notification.Type, name string) (listed, delivery.Delivery, bool) {
	t.Helper()
	var body listed
	for _, n := range d.Notifications {
		i := slices.IndexFunc(d.Deliveries, func(d delivery.Delivery) bool { return d.Endpoint == name && d.Notification == n.ID })
		if n.Type != kind || i < 0 {
			continue
		}
		payload := n.Payload
		if cut := d.Deliveries[i].Cut; cut != nil {
			payload = cut.Payload
		}
		if err := json.Unmarshal(payload, &body); err != nil {
			t.Fatal(err)
		}
		return body, d.Deliveries[i], true
	}
	return body, delivery.Delivery{}, false
}

func exploitedNow(f vuln.Finding) vuln.Finding {
	f.KnownExploited, f.Exploitation = true, &vuln.Exploitation{Added: noon.AddDate(0, 0, -1), Due: noon.AddDate(0, 0, 20), Ransomware: "known"}
	return f
}

// TestKnownExploitationIsNotFilteredAway: a medium vulnerability without a fix becomes
// known to be exploited.
func TestKnownExploitationIsNotFilteredAway(t *testing.T) {
	t.Parallel()
	before, seen := recorded(), unchanged()
	medium := finding("CVE-2026-0002", vuln.Medium)
	before.Vulnerabilities = append(before.Vulnerabilities, medium)
	seen.Basis.Build = "build 2"
	seen.Vulnerabilities = append(slices.Clone(recorded().Vulnerabilities), exploitedNow(medium), finding("CVE-2026-0003", vuln.Low))
	audience := everyone(subscription.Options{MinSeverity: vuln.High, FixableOnly: true})
	audience.Endpoints = []endpoint.Endpoint{
		{Name: "pager", When: "severity >= critical"},
		{Name: "strict", When: "severity >= critical", ExploitedFiltered: true},
		{Name: "rpm", When: `package_type == "rpm"`},
		{Name: "chat"},
	}
	d := decide(t, before, seen, audience)
	for _, name := range []string{"pager", "chat"} {
		body, sent, got := received(t, d, notification.VulnUpdate, name)
		if !got || len(body.Difference.Updated) != 1 || body.Difference.Updated[0].ID != "CVE-2026-0002" || len(body.Difference.Added) != 0 || body.Difference.LeftOut.Added != 1 {
			t.Fatalf("%s gets %v %+v, want the exploited one, and one left out", name, got, body)
		}
		if at := body.Difference.Updated[0].Exploitation; at == nil || at.Added != "2026-05-03" || at.FirstNotified != "2026-05-04T12:00:00Z" {
			t.Errorf("%s reads %+v of the exploitation", name, at)
		}
		if !sent.Urgent {
			t.Errorf("the delivery to %s is not urgent", name)
		}
	}
	for _, name := range []string{"strict", "rpm"} {
		if body, _, got := received(t, d, notification.VulnUpdate, name); got {
			t.Errorf("%s gets %+v, want nothing", name, body)
		}
	}

	later := d.State
	again := unchanged()
	again.Basis.Build, again.Vulnerabilities = "build 3", slices.Clone(seen.Vulnerabilities)
	again.Vulnerabilities[1].Severity = vuln.High
	audience = everyone(subscription.Options{})
	next, err := watch.Decide(target, later, again, audience, noon.AddDate(0, 0, 7))
	if err != nil {
		t.Fatal(err)
	}
	body, sent, _ := received(t, next, notification.VulnUpdate, "chat")
	if len(body.Difference.Updated) != 1 || body.Difference.Updated[0].Exploitation.FirstNotified != "2026-05-04T12:00:00Z" || sent.Urgent {
		t.Errorf("a week later: %+v, urgent %v; want the date of the first notification, not urgent", body, sent.Urgent)
	}
}

// TestFiltersReadScores: the base score is kept with what was recorded.
func TestFiltersReadScores(t *testing.T) {
	t.Parallel()
	scored := func(id string, base float64) vuln.Finding {
		f := finding(id, vuln.High)
		f.Related = []vuln.Related{{ID: "GHSA-" + id, CVSS: []vuln.CVSS{{Version: "3.1", Vector: "V", Base: base}}}}
		return f
	}
	first := unchanged()
	first.Vulnerabilities = []vuln.Finding{scored("CVE-2026-0001", 9.1), scored("CVE-2026-0002", 5)}
	audience := everyone(subscription.Options{When: "cvss >= 9.0"})
	recorded := decide(t, recorded(), first, audience).State
	gone := unchanged()
	gone.Basis.Build, gone.Vulnerabilities = "build 2", []vuln.Finding{scored("CVE-2026-0003", 9.8), scored("CVE-2026-0004", 6)}
	body, _, _ := received(t, decide(t, recorded, gone, audience), notification.VulnUpdate, "chat")
	if d := body.Difference; len(d.Added) != 1 || d.Added[0].ID != "CVE-2026-0003" || len(d.Removed) != 1 || d.Removed[0].ID != "CVE-2026-0001" {
		t.Errorf("received %+v, want the two with a score of 9 and more", d)
	}
}

// TestFiltersThatCannotTell let through what they are about: nothing is lost, and the
// tag is recorded.
func TestFiltersThatCannotTell(t *testing.T) {
	t.Parallel()
	seen := unchanged()
	seen.Basis.Build, seen.Vulnerabilities = "build 2", append(recorded().Vulnerabilities, exploitedNow(finding("CVE-2026-0002", vuln.Low)))
	audience := everyone(subscription.Options{When: `int(registry) > 1 && severity >= low`})
	audience.Endpoints = []endpoint.Endpoint{
		{Name: "chat"},
		{Name: "team", When: `labels["team"] == "web"`},
		{Name: "others", When: `labels["team"] != "web"`},
		{Name: "versions", When: `int(tag) > 1`},
		{Name: "fixes", When: `severity > critical || fix_versions[7] == "1"`},
		{Name: "older", When: "of another version"},
	}
	d := decide(t, recorded(), seen, audience)
	for _, e := range audience.Endpoints {
		if _, _, got := received(t, d, notification.VulnUpdate, e.Name); got == (e.Name == "team") {
			t.Errorf("%s, with the filter %q, is notified: %v", e.Name, e.When, got)
		}
	}
}

// TestSummariesAreFiltered: of a change that comes with another matcher, each endpoint
// is to be told what its filter lets through.
func TestSummariesAreFiltered(t *testing.T) {
	t.Parallel()
	seen := unchanged()
	seen.Basis.Matcher, seen.Vulnerabilities = "another", append(recorded().Vulnerabilities, finding("CVE-2026-0002", vuln.Low), finding("CVE-2026-0003", vuln.High))
	audience := everyone(subscription.Options{})
	audience.Endpoints = []endpoint.Endpoint{{Name: "all"}, {Name: "high", When: "severity >= high"}, {Name: "none", When: "severity >= critical"},
		{Name: "log", Types: []notification.Type{notification.EventLog}}}
	d := decide(t, recorded(), seen, audience)
	got := map[string]int{}
	for _, p := range d.PendingSummary {
		got[p.Endpoint] = p.Revision.Added
	}
	if diff := cmp.Diff(map[string]int{"all": 2, "high": 1, "log": 2}, got); diff != "" {
		t.Errorf("added, by endpoint (-want +got)\n%s", diff)
	}
	if want := (notification.Suppression{Type: notification.VulnUpdate, Endpoint: "none", Reason: notification.Filtered, Detail: "severity >= critical"}); !slices.Contains(d.Suppressed, want) {
		t.Errorf("suppressed %+v, want among them %+v", d.Suppressed, want)
	}
}

// TestEachReceiverGetsItsCut: what a body lists and what it counts as left out is the
// whole difference, for random lists and filters.
func TestEachReceiverGetsItsCut(t *testing.T) {
	t.Parallel()
	filters := []string{"", "severity >= high", "fixable", "known_exploited", `change == "added"`, `id < "CVE-2026-0010"`,
		`severity >= medium && fixable || "severity" in updated`, `registry == "docker.io"`, "false", "true"}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		list := func() (findings []vuln.Finding) {
			for i := range 20 {
				if random.IntN(3) == 0 {
					continue
				}
				f := finding(fmt.Sprintf("CVE-2026-%04d", i), vuln.Severities[random.IntN(len(vuln.Severities))])
				if random.IntN(2) == 0 {
					f.Fix = vuln.Fix{State: vuln.FixKnown, Versions: []string{"2"}}
				}
				if random.IntN(4) == 0 {
					f = exploitedNow(f)
				}
				findings = append(findings, f)
			}
			return findings
		}
		before, seen := recorded(), unchanged()
		before.Vulnerabilities, seen.Vulnerabilities, seen.Basis.Build = list(), list(), "build 2"
		options := subscription.Options{When: filters[random.IntN(len(filters))], FixableOnly: random.IntN(3) == 0, ExploitedFiltered: random.IntN(2) == 0}
		audience := everyone(options)
		for i, when := range filters {
			audience.Endpoints = append(audience.Endpoints, endpoint.Endpoint{Name: fmt.Sprint("e", i), When: when, ExploitedFiltered: random.IntN(2) == 0})
		}
		whole := vuln.Diff(before.Vulnerabilities, seen.Vulnerabilities)
		d := decide(t, before, seen, audience)
		for _, e := range audience.Endpoints {
			body, _, got := received(t, d, notification.VulnUpdate, e.Name)
			if !got {
				continue
			}
			left := body.Difference.LeftOut
			if len(body.Difference.Added)+left.Added != len(whole.Added) || len(body.Difference.Updated)+left.Updated != len(whole.Updated) ||
				len(body.Difference.Removed)+left.Removed != len(whole.Removed) {
				t.Fatalf("seed %d, %q at %q: %d, %d and %d listed, left out %+v; the difference has %d, %d and %d", seed, options.When, e.When,
					len(body.Difference.Added), len(body.Difference.Updated), len(body.Difference.Removed), left, len(whole.Added), len(whole.Updated), len(whole.Removed))
			}
			if unfiltered := (e.When == "" || e.When == "true") && (options.When == "" || options.When == "true") && !options.FixableOnly; unfiltered && left != (notification.LeftOut{}) {
				t.Fatalf("seed %d: %+v left out without a filter", seed, left)
			}
		}
	}
}
