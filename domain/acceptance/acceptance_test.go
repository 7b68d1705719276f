package acceptance_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

var noon = time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)

func finding(id string, related ...string) vuln.Finding {
	f := vuln.Finding{ID: id, Package: vuln.Package{Name: "openssl", Version: "3.0.1", Type: "deb", PURL: "pkg:deb/debian/openssl@3.0.1"}}
	for _, r := range related {
		f.Related = append(f.Related, vuln.Related{ID: r})
	}
	return f
}

func fixed(f vuln.Finding) vuln.Finding {
	f.Fix = vuln.Fix{State: vuln.FixKnown, Versions: []string{"3.0.2"}}
	return f
}

func accepted(f vuln.Finding, a ...acceptance.Acceptance) bool {
	return acceptance.Mark([]vuln.Finding{f}, a, noon)[0].Accepted != nil
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		accept  acceptance.Acceptance
		finding vuln.Finding
		want    bool
	}{
		{"the id", acceptance.Acceptance{Vulnerability: "CVE-2026-1"}, finding("CVE-2026-1"), true},
		{"another id", acceptance.Acceptance{Vulnerability: "CVE-2026-1"}, finding("CVE-2026-10"), false},
		{"in another case", acceptance.Acceptance{Vulnerability: "cve-2026-1"}, finding("CVE-2026-1"), true},
		{"the CVE of a GHSA", acceptance.Acceptance{Vulnerability: "CVE-2026-1"}, finding("GHSA-aaaa-bbbb-cccc", "CVE-2026-1"), true},
		{"the GHSA of a CVE", acceptance.Acceptance{Vulnerability: "GHSA-aaaa-bbbb-cccc"}, finding("CVE-2026-1", "GHSA-aaaa-bbbb-cccc"), true},
		{"an alias that was known then", acceptance.Acceptance{Vulnerability: "GHSA-aaaa-bbbb-cccc", Aliases: []string{"CVE-2026-1"}}, finding("CVE-2026-1"), true},
		{"one of an advisory about several", acceptance.Acceptance{Vulnerability: "CVE-2026-1"}, finding("ELSA-2026-1", "CVE-2026-1", "CVE-2026-2"), false},
		{"the advisory about several", acceptance.Acceptance{Vulnerability: "ELSA-2026-1"}, finding("ELSA-2026-1", "CVE-2026-1", "CVE-2026-2"), true},
		{"the package", acceptance.Acceptance{Vulnerability: "CVE-2026-1", Package: "openssl"}, finding("CVE-2026-1"), true},
		{"another package", acceptance.Acceptance{Vulnerability: "CVE-2026-1", Package: "libssl3"}, finding("CVE-2026-1"), false},
		{"the package URL", acceptance.Acceptance{Vulnerability: "CVE-2026-1", Package: "pkg:deb/debian/openssl@<3.0.2"}, finding("CVE-2026-1"), true},
		{"another version", acceptance.Acceptance{Vulnerability: "CVE-2026-1", Package: "pkg:deb/debian/openssl@<3.0.1"}, finding("CVE-2026-1"), false},
		{"a second before its end", acceptance.Acceptance{Vulnerability: "CVE-2026-1", Until: noon.Add(time.Second)}, finding("CVE-2026-1"), true},
		{"at its end", acceptance.Acceptance{Vulnerability: "CVE-2026-1", Until: noon}, finding("CVE-2026-1"), false},
		{"until a fix, which there is", acceptance.Acceptance{Vulnerability: "CVE-2026-1"}, fixed(finding("CVE-2026-1")), false},
		{"until a time, with a fix", acceptance.Acceptance{Vulnerability: "CVE-2026-1", Until: noon.Add(1)}, fixed(finding("CVE-2026-1")), true},
		{"revoked", acceptance.Acceptance{Vulnerability: "CVE-2026-1", Revoked: noon.Add(-time.Hour)}, finding("CVE-2026-1"), false},
	} {
		if got := accepted(test.finding, test.accept); got != test.want {
			t.Errorf("%s: accepted %v, want %v", test.name, got, test.want)
		}
	}
}

// Two records of one vulnerability are one finding, which has the ids of both.
func TestMergedRecordsShareTheirIDs(t *testing.T) {
	t.Parallel()
	merged := vuln.Merge([]vuln.Finding{finding("CVE-2026-1"), finding("GHSA-aaaa-bbbb-cccc", "CVE-2026-1")})
	if len(merged) != 1 || !accepted(merged[0], acceptance.Acceptance{Vulnerability: "GHSA-aaaa-bbbb-cccc"}) {
		t.Errorf("not accepted: %+v", merged)
	}
}

// TestProperty compares with the plain words: a finding is accepted if and only if an
// acceptance has one of its names, its package and its tag, and has not ended.
func TestProperty(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(16, 4))
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	ids := []string{"CVE-2026-1", "CVE-2026-2", "GHSA-aaaa-bbbb-cccc", "GHSA-dddd-eeee-ffff", "DSA-1-1"}
	covered := 0
	for range 20_000 {
		tag, err := image.ParseReference("ghcr.io/" + pick("web/app", "web/api", "db/store") + ":" + pick("1", "2"))
		if err != nil {
			t.Fatal(err)
		}
		f := finding(pick(ids...))
		if random.IntN(2) == 0 {
			f.Related = []vuln.Related{{ID: pick(ids...)}}
		}
		f.Package.Name = pick("openssl", "zlib")
		f.Package.PURL = "pkg:deb/debian/" + f.Package.Name + "@3.0.1"
		if random.IntN(3) == 0 {
			f = fixed(f)
		}
		var all []acceptance.Acceptance
		want := false
		for id := range random.IntN(4) {
			a := acceptance.Acceptance{ID: int64(id), Vulnerability: pick(ids...), Package: pick("", "openssl", "pkg:deb/debian/zlib"),
				Subject: pick("", "ghcr.io/web/*", "ghcr.io/web/app:1", "*:2")}
			if random.IntN(2) == 0 {
				a.Until = noon.Add(time.Duration(random.IntN(3)-1) * time.Second)
			}
			if random.IntN(5) == 0 {
				a.Revoked = noon
			}
			all = append(all, a)
			of := map[string]bool{"": true, "openssl": f.Package.Name == "openssl", "pkg:deb/debian/zlib": f.Package.Name == "zlib"}[a.Package]
			on := map[string]bool{"": true, "ghcr.io/web/*": strings.HasPrefix(tag.String(), "ghcr.io/web/"), "ghcr.io/web/app:1": tag.String() == "ghcr.io/web/app:1",
				"*:2": strings.HasSuffix(tag.String(), ":2")}[a.Subject]
			ended := !a.Revoked.IsZero() || a.Until.IsZero() && f.HasFix() || !a.Until.IsZero() && !noon.Before(a.Until)
			want = want || slices.Contains(f.Names(), a.Vulnerability) && of && on && !ended
		}
		if got := accepted(f, acceptance.For(all, tag)...); got != want {
			t.Fatalf("%s, %+v, %+v: accepted %v, want %v", tag, f, all, got, want)
		}
		if want {
			covered++
		}
	}
	if covered < 1000 {
		t.Errorf("only %d findings were accepted: the test proves little", covered)
	}
}

// While one acceptance covers a finding, the end of another is none.
func TestTheLongestCounts(t *testing.T) {
	t.Parallel()
	soon := acceptance.Acceptance{ID: 1, Vulnerability: "CVE-2026-1", Until: noon.Add(time.Hour)}
	late := acceptance.Acceptance{ID: 2, Vulnerability: "CVE-2026-1", Until: noon.Add(2 * time.Hour)}
	open := acceptance.Acceptance{ID: 3, Vulnerability: "CVE-2026-1"}
	same := acceptance.Acceptance{ID: 4, Vulnerability: "CVE-2026-1"}
	for _, test := range []struct {
		all  []acceptance.Acceptance
		want int64
		next time.Time
	}{
		{[]acceptance.Acceptance{soon, late}, 2, late.Until},
		{[]acceptance.Acceptance{late, open, soon}, 3, time.Time{}},
		{[]acceptance.Acceptance{same, open}, 3, time.Time{}},
	} {
		marked := acceptance.Mark([]vuln.Finding{finding("CVE-2026-1"), finding("CVE-2026-2")}, test.all, noon)
		if marked[0].Accepted.ID != test.want || marked[1].Accepted != nil || !acceptance.Next(marked).Equal(test.next) {
			t.Errorf("%+v, next %s; want acceptance %d, next %s", marked[0].Accepted, acceptance.Next(marked), test.want, test.next)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	a := acceptance.Acceptance{ID: 1, Vulnerability: "CVE-2026-1", Subject: "ghcr.io/*", Until: noon, Reason: "r"}
	b := acceptance.Acceptance{ID: 2, Vulnerability: "CVE-2026-2", Reason: "r"}
	both := acceptance.Key([]acceptance.Acceptance{a, b})
	if acceptance.Key(nil) != "" || both != acceptance.Key([]acceptance.Acceptance{b, a}) {
		t.Error("the key depends on the order, or there is one of nothing")
	}
	for name, change := range map[string]func(*acceptance.Acceptance){
		"until": func(a *acceptance.Acceptance) { a.Until = a.Until.Add(time.Second) }, "package": func(a *acceptance.Acceptance) { a.Package = "x" },
		"alias": func(a *acceptance.Acceptance) { a.Aliases = []string{"x"} }, "reason": func(a *acceptance.Acceptance) { a.Reason = "x" },
	} {
		other := a
		change(&other)
		if acceptance.Key([]acceptance.Acceptance{other, b}) == both {
			t.Errorf("the key does not depend on %s", name)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	ends := &vuln.Accepted{ID: 1, Reason: "r", Until: noon}
	open := &vuln.Accepted{ID: 2, Reason: "r"}
	both := []acceptance.Acceptance{{ID: 1, Vulnerability: "CVE-2026-1", Until: noon}, {ID: 2, Vulnerability: "CVE-2026-1"}}
	ghsa := finding("GHSA-aaaa-bbbb-cccc")
	with := func(f vuln.Finding, a *vuln.Accepted) vuln.Finding { f.Accepted = a; return f }
	plain := finding("CVE-2026-1")
	for _, test := range []struct {
		name            string
		before, current vuln.Finding
		now             time.Time
		stand           []acceptance.Acceptance
		want            string
	}{
		{"accepted", plain, with(plain, open), noon, both, `"" by a person`},
		{"stays accepted, by another", with(plain, ends), with(plain, open), noon, both, ""},
		{"a second before the end, revoked", with(plain, ends), plain, noon.Add(-time.Second), both[1:], `"revoked" by a person`},
		{"at its second", with(plain, ends), plain, noon, both, `"time"`},
		{"a fix", with(plain, open), fixed(plain), noon, both, `"fixed"`},
		{"a fix, and revoked", with(plain, open), fixed(plain), noon, nil, `"revoked" by a person`},
		{"revoked without a fix", with(plain, open), plain, noon, both[:1], `"revoked" by a person`},
		{"the fix is withdrawn", fixed(plain), with(plain, open), noon, both, `""`},
		{"the data adds the id", ghsa, with(plain, open), noon, both, `""`},
		{"the data drops the id", with(plain, open), ghsa, noon, both, `"data"`},
	} {
		got := ""
		for _, c := range acceptance.Changes([]vuln.Update{{Previous: test.before, Current: test.current}}, test.stand, test.now) {
			if got = fmt.Sprintf("%q", c.End); c.ByPerson {
				got += " by a person"
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	valid := acceptance.Acceptance{Vulnerability: "CVE-2026-1", Reason: "r", Package: "pkg:npm/lodash@<4", Subject: "ghcr.io/web/*"}
	if err := valid.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*acceptance.Acceptance){
		"no id": func(a *acceptance.Acceptance) { a.Vulnerability = "openssl" }, "a trigger id": func(a *acceptance.Acceptance) { a.Vulnerability = "CVE-2026-1+*" },
		"no reason": func(a *acceptance.Acceptance) { a.Reason = " " }, "a package URL": func(a *acceptance.Acceptance) { a.Package = "pkg:npm" },
		"a subject": func(a *acceptance.Acceptance) { a.Subject = "nginx" },
	} {
		a := valid
		change(&a)
		if err := a.Validate(); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
