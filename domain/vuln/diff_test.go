package vuln_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// finding is one of openssl 3.0, with changes.
func finding(id, namespace string, change ...func(*vuln.Finding)) vuln.Finding {
	f := vuln.Finding{
		ID: id, Namespace: namespace, Severity: vuln.High,
		Package: vuln.Package{Name: "openssl", Version: "3.0", Type: "deb", PURL: "pkg:deb/debian/openssl@3.0"},
		Fix:     vuln.Fix{State: vuln.FixKnown, Versions: []string{"3.1", "3.2"}},
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func related(ids ...string) func(*vuln.Finding) {
	return func(f *vuln.Finding) {
		for _, id := range ids {
			f.Related = append(f.Related, vuln.Related{ID: id})
		}
	}
}

func records(ids ...string) func(*vuln.Finding) {
	return func(f *vuln.Finding) { f.Records = ids }
}

// listed has each finding's own record among its records, as a merged list does.
func listed(c vuln.Change) vuln.Change {
	own := func(f *vuln.Finding) {
		if f.Records == nil {
			f.Records = []string{f.ID}
		}
	}
	for _, list := range [][]vuln.Finding{c.Added, c.Removed} {
		for i := range list {
			own(&list[i])
		}
	}
	for i := range c.Updated {
		own(&c.Updated[i].Previous)
		own(&c.Updated[i].Current)
	}
	return c
}

func score(s vuln.CVSS) func(*vuln.Finding) {
	return func(f *vuln.Finding) { f.CVSS = append(f.CVSS, s) }
}

func severity(s vuln.Severity) func(*vuln.Finding) { return func(f *vuln.Finding) { f.Severity = s } }

const (
	nvd    = "nvd:cpe"
	github = "github:language:python"
	distro = "debian:distro:debian:12"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	plain := finding("CVE-1", distro)
	wontFix := finding("CVE-1", distro, func(f *vuln.Finding) { f.Fix = vuln.Fix{State: vuln.FixWont} })
	exploited := finding("CVE-1", distro, func(f *vuln.Finding) { f.KnownExploited = true })
	silent := finding("CVE-1", distro, related("GHSA-1"), func(f *vuln.Finding) {
		f.Description, f.URL, f.CWEs, f.Fix.Versions = "new", "new", []string{"CWE-1"}, []string{"3.2", "3.1"}
		f.Package.PURL = "pkg:deb/debian/openssl@3.0?arch=amd64"
		f.CVSS = []vuln.CVSS{{Base: 9}}
	})
	upgraded := finding("CVE-1", distro, func(f *vuln.Finding) { f.Package.Version = "3.1" })
	update := func(previous, current vuln.Finding, aspects ...vuln.Aspect) vuln.Change {
		return vuln.Change{Updated: []vuln.Update{{Previous: previous, Current: current, Aspects: aspects}}}
	}
	ghsa, known := finding("GHSA-1", github), finding("GHSA-1", github, related("CVE-1"))
	cases := []struct {
		name              string
		previous, current []vuln.Finding
		want              vuln.Change
	}{
		{"nothing", nil, nil, vuln.Change{}},
		{"the same", []vuln.Finding{plain}, []vuln.Finding{plain}, vuln.Change{}},
		{"added", nil, []vuln.Finding{plain}, vuln.Change{Added: []vuln.Finding{plain}}},
		{"removed", []vuln.Finding{plain}, nil, vuln.Change{Removed: []vuln.Finding{plain}}},
		{"severity", []vuln.Finding{plain}, []vuln.Finding{finding("CVE-1", distro, severity(vuln.Low))},
			update(plain, finding("CVE-1", distro, severity(vuln.Low)), vuln.AspectSeverity)},
		{"won't fix is no removal", []vuln.Finding{plain}, []vuln.Finding{wontFix}, update(plain, wontFix, vuln.AspectFix)},
		{"known exploited", []vuln.Finding{plain}, []vuln.Finding{exploited}, update(plain, exploited, vuln.AspectExploited)},
		{"texts, scores and order are silent", []vuln.Finding{plain}, []vuln.Finding{silent}, vuln.Change{}},
		{"another version of the package", []vuln.Finding{plain}, []vuln.Finding{upgraded},
			vuln.Change{Added: []vuln.Finding{upgraded}, Removed: []vuln.Finding{plain}}},
		{"several reports are one, the distribution's", []vuln.Finding{finding("CVE-1", nvd, severity(vuln.Critical)), plain}, []vuln.Finding{plain}, vuln.Change{}},
		{"another record beside it", []vuln.Finding{plain}, []vuln.Finding{plain, finding("GHSA-1", github, related("CVE-1"), severity(vuln.Low))},
			update(plain, finding("CVE-1", distro, records("CVE-1", "GHSA-1")), vuln.AspectName)},
		{"a CVE takes the GHSA's place", []vuln.Finding{known}, []vuln.Finding{finding("CVE-1", nvd)}, update(known, finding("CVE-1", nvd), vuln.AspectName)},
		{"a GHSA whose CVE becomes known", []vuln.Finding{ghsa}, []vuln.Finding{known}, update(ghsa, known, vuln.AspectName)},
		{"another database's record of the GHSA", []vuln.Finding{ghsa}, []vuln.Finding{finding("GO-1", github, related("ghsa-1"), severity(vuln.Low))},
			update(ghsa, finding("GO-1", github, related("ghsa-1"), severity(vuln.Low)), vuln.AspectName, vuln.AspectSeverity)},
		{"a GHSA becomes two CVEs", []vuln.Finding{finding("GHSA-1", github, related("CVE-1", "CVE-2"))}, []vuln.Finding{plain, finding("CVE-2", distro)},
			vuln.Change{Added: []vuln.Finding{plain, finding("CVE-2", distro)}, Removed: []vuln.Finding{finding("GHSA-1", github, related("CVE-1", "CVE-2"))}}},
		{"two GHSAs become one CVE", []vuln.Finding{ghsa, finding("GHSA-2", github)}, []vuln.Finding{known, finding("GHSA-2", github, related("CVE-1"))},
			vuln.Change{Removed: []vuln.Finding{finding("GHSA-2", github)},
				Updated: []vuln.Update{{Previous: ghsa, Current: finding("GHSA-1", github, related("CVE-1"), records("GHSA-1", "GHSA-2")), Aspects: []vuln.Aspect{vuln.AspectName}}}}},
		{"an advisory of two CVEs is neither", []vuln.Finding{finding("RHSA-1", distro, related("CVE-1", "CVE-2"))}, []vuln.Finding{plain},
			vuln.Change{Added: []vuln.Finding{plain}, Removed: []vuln.Finding{finding("RHSA-1", distro, related("CVE-1", "CVE-2"))}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := vuln.Diff(c.previous, c.current)
			if diff := cmp.Diff(listed(c.want), listed(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if want := len(c.want.Added)+len(c.want.Removed)+len(c.want.Updated) == 0; got.Empty() != want {
				t.Errorf("Empty is %v", got.Empty())
			}
		})
	}
}

func TestDiffIgnoresOrder(t *testing.T) {
	t.Parallel()
	previous := []vuln.Finding{finding("CVE-1", nvd), finding("CVE-2", distro), finding("GHSA-3", github), finding("CVE-4", nvd)}
	current := []vuln.Finding{finding("CVE-1", distro, severity(vuln.Low)), finding("GHSA-2", github, related("CVE-2")),
		finding("GHSA-3", github, related("CVE-3")), finding("CVE-5", nvd), finding("CVE-5", github, severity(vuln.Low))}
	want := vuln.Diff(previous, current)
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		random.Shuffle(len(previous), func(i, j int) { previous[i], previous[j] = previous[j], previous[i] })
		random.Shuffle(len(current), func(i, j int) { current[i], current[j] = current[j], current[i] })
		if diff := cmp.Diff(want, vuln.Diff(previous, current)); diff != "" {
			t.Fatalf("(-first order +another):\n%s", diff)
		}
	}
}

func TestMergeKeepsTheBestAuthority(t *testing.T) {
	t.Parallel()
	reports := []vuln.Finding{finding("CVE-1", nvd), finding("GHSA-1", github, related("CVE-1")), finding("CVE-1", distro),
		finding("CVE-2", nvd), finding("GHSA-2", github, related("CVE-2"))}
	var got []string
	for _, f := range vuln.Merge(reports) {
		got = append(got, f.Key()+" "+f.Namespace)
	}
	if diff := cmp.Diff([]string{"CVE-1 " + distro, "CVE-2 " + github}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHashes(t *testing.T) {
	t.Parallel()
	base := finding("CVE-1", distro)
	cases := []struct {
		name          string
		change        func(*vuln.Finding)
		news, content bool // whether the hash changes
	}{
		{"nothing", func(*vuln.Finding) {}, false, false},
		{"severity", severity(vuln.Low), true, true},
		{"fix state", func(f *vuln.Finding) { f.Fix.State = vuln.FixWont }, true, true},
		{"fix version", func(f *vuln.Finding) { f.Fix.Versions = []string{"3.1"} }, true, true},
		{"known exploited", func(f *vuln.Finding) { f.KnownExploited = true }, true, true},
		{"package", func(f *vuln.Finding) { f.Package.Version = "3.1" }, true, true},
		{"description", func(f *vuln.Finding) { f.Description = "d" }, false, true},
		{"another name", related("GHSA-1"), true, true},
		{"link", func(f *vuln.Finding) { f.URL = "https://example.com" }, true, true},
		{"further links", func(f *vuln.Finding) { f.URLs = []string{"https://example.com"} }, false, true},
		{"score", score(vuln.CVSS{Version: "3.1", Base: 7.5}), true, true},
		{"score of CVSS 2", score(vuln.CVSS{Version: "2.0", Base: 7.5}), false, true},
		{"NVD's score", func(f *vuln.Finding) {
			f.Related = []vuln.Related{{ID: "CVE-1", Namespace: nvd, CVSS: []vuln.CVSS{{Version: "3.1", Base: 7.5}}}}
		}, true, true},
		{"somebody else's score", func(f *vuln.Finding) {
			f.Related = []vuln.Related{{ID: "CVE-1", Namespace: github, CVSS: []vuln.CVSS{{Version: "3.1", Base: 7.5}}}}
		}, false, true},
		{"first seen", func(f *vuln.Finding) { f.FirstSeen = f.FirstSeen.AddDate(1, 0, 0) }, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changed := finding("CVE-1", distro, c.change)
			if got := changed.Hash() != base.Hash(); got != c.news {
				t.Errorf("news: %v, want %v", got, c.news)
			}
			if got := changed.ContentHash() != base.ContentHash(); got != c.content {
				t.Errorf("content: %v, want %v", got, c.content)
			}
		})
	}
}

func TestRefs(t *testing.T) {
	t.Parallel()
	got := finding("GHSA-Z", github, related("CVE-2", "CVE-1", "CVE-1")).Refs()
	if want := []string{"cve-1", "cve-2", "ghsa-z"}; !slices.Equal(want, got) {
		t.Errorf("refs %v, want %v", got, want)
	}
}

func TestDiffAtAThreshold(t *testing.T) {
	t.Parallel()
	scored := func(probability float64) func(*vuln.Finding) {
		return func(f *vuln.Finding) { f.EPSS = &probability }
	}
	plain := func(*vuln.Finding) {}
	for _, test := range []struct {
		name          string
		before, after func(*vuln.Finding)
		threshold     float64
		want          int
	}{
		{"rises above", scored(0.09), scored(0.11), 0.1, 1},
		{"reaches", scored(0.09), scored(0.1), 0.1, 1},
		{"falls below", scored(0.5), scored(0), 0.1, 1},
		{"stays below", scored(0), scored(0.09), 0.1, 0},
		{"stays above", scored(0.2), scored(0.9), 0.1, 0},
		{"nobody asks", scored(0), scored(0.9), 0, 0},
		{"was not checked before", plain, scored(0.9), 0.1, 0},
		{"is not checked any more", scored(0.9), plain, 0.1, 0},
	} {
		before := []vuln.Finding{finding("CVE-2026-1", distro, test.before)}
		after := []vuln.Finding{finding("CVE-2026-1", distro, test.after)}
		change := vuln.DiffAt(before, after, test.threshold)
		if len(change.Updated) != test.want || len(change.Added)+len(change.Removed) > 0 {
			t.Errorf("%s: %+v, want %d updated", test.name, change, test.want)
		}
		if !vuln.Diff(before, after).Empty() {
			t.Errorf("%s: is news without a threshold", test.name)
		}
	}
}

func TestWithScores(t *testing.T) {
	t.Parallel()
	list := []vuln.Finding{finding("GHSA-aaaa-bbbb-cccc", github, related("CVE-2026-1")), finding("CVE-2026-2", distro)}
	scored := vuln.WithScores(list, map[string]vuln.Score{"CVE-2026-1": {Probability: 0.5}})
	if *scored[0].EPSS != 0.5 || *scored[1].EPSS != 0 || list[0].EPSS != nil {
		t.Errorf("probabilities %v and %v; of the list that was given %v", *scored[0].EPSS, *scored[1].EPSS, list[0].EPSS)
	}
	if scored[1].Hash() != list[1].Hash() {
		t.Error("a score is part of what is news")
	}
}
