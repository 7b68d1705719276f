package store_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func build(checksum string) vuln.Description {
	return vuln.Description{Build: vuln.Build{Checksum: checksum, URL: "https://feed.example/" + checksum, Built: built, Schema: "6.1.9"},
		Size: 1 << 30, Providers: []vuln.ProviderState{{Name: "debian", Captured: built, Records: 5}}}
}

// advance makes a build current that touches those groups.
func advance(t testing.TB, s *store.Store, from, to string, found map[int64][]vuln.GroupFinding) int {
	t.Helper()
	check(t, s.SaveBuild(t.Context(), build(to), "", nil, start))
	update := databuild.Advance{From: from, To: to, FromEngine: matcher, Matcher: matcher, Watermark: 1 << 40}
	if from == "" {
		update.FromEngine = ""
	}
	moved, err := move(t, s, update, found, start)
	check(t, err)
	return moved.Changed
}

// move stages findings and makes the move.
func move(t testing.TB, s *store.Store, update databuild.Advance, found map[int64][]vuln.GroupFinding, now time.Time) (databuild.Moved, error) {
	t.Helper()
	check(t, s.Stage(t.Context(), update.To, update.Matcher, found))
	return s.Advance(t.Context(), update, now)
}

// save gives each group a finding of that vulnerability.
func save(t *testing.T, s *store.Store, checksum string, ids map[string]int64, vulnerability string) {
	t.Helper()
	check(t, s.SaveFindings(t.Context(), checksum, matcher, findings(ids, vulnerability), start))
}

func findings(ids map[string]int64, vulnerability string) map[int64][]vuln.GroupFinding {
	found := map[int64][]vuln.GroupFinding{}
	for name, id := range ids {
		found[id] = []vuln.GroupFinding{finding(vulnerability, name, vuln.High)}
	}
	return found
}

func TestGroupsAreShared(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "openssl", "zlib")
		save(t, s, "sha256:g1", ids, "CVE-2026-1")
		curl := vuln.Group{Fingerprint: "fingerprint-curl", Document: []byte("curl\x00\xff"), Keys: []string{"curl\x00\xff"}}
		check(t, s.SaveImage(ctx, inventory(digest(2), "zlib", "curl"), nil, "syft 1", at(1)))
		check(t, s.SaveGroups(ctx, digest(2), matcher, []vuln.Group{group("zlib"), curl}))

		unmatched, err := s.Unmatched(ctx, digest(2))
		check(t, err)
		want := []databuild.StoredGroup{{ID: 3, Fingerprint: "fingerprint-curl", Document: []byte("curl\x00\xff"), Keys: []string{"curl\uFFFD\uFFFD"}}}
		if diff := cmp.Diff(want, unmatched); diff != "" {
			t.Errorf("only what no image had before (-want +got)\n%s", diff)
		}
		for d, want := range map[int]bool{1: true, 2: false, 3: false} {
			if got, err := s.Matched(ctx, digest(d)); err != nil || got != want {
				t.Errorf("image %d matched: %v, %v", d, got, err)
			}
		}
		if _, err := s.Matches(ctx, digest(2)); !errors.Is(err, errkind.Conflict) {
			t.Errorf("matches of an unmatched image: %v", err)
		}
		if _, err := s.Unmatched(ctx, digest(9)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("unknown image: %v", err)
		}
	})
}

func TestSaveGroupsAgain(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "openssl", "zlib")
		save(t, s, "sha256:g1", ids, "CVE-2026-1")
		check(t, s.SaveGroups(ctx, digest(1), matcher, groups("openssl", "zlib")))
		if matched, err := s.Matched(ctx, digest(1)); err != nil || !matched {
			t.Errorf("the same again: %v, %v", matched, err)
		}
		check(t, s.SaveImage(ctx, inventory(digest(1), "zlib"), nil, "syft 2", at(1)))
		if matched, err := s.Matched(ctx, digest(1)); err != nil || matched {
			t.Errorf("after another analysis: %v, %v", matched, err)
		}
		check(t, s.SaveGroups(ctx, digest(1), matcher, groups("zlib")))
		matches, err := s.Matches(ctx, digest(1))
		if err != nil || len(matches) != 1 || matches[0].Package.Name != "zlib" {
			t.Errorf("matches %+v, %v", matches, err)
		}
		check(t, s.SaveGroups(ctx, digest(1), "grype 99", groups("zlib")))
		if matched, err := s.Matched(ctx, digest(1)); err != nil || matched {
			t.Errorf("groups of another matcher: %v, %v", matched, err)
		}
	})
}

func TestMatches(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		check(t, s.SaveImage(ctx, inventory(digest(1), "openssl", "zlib", "zlib-copy"), nil, "syft 1", at(10)))
		pair := vuln.Group{Fingerprint: "pair", Document: []byte("{}"), Artifacts: [][]string{{"artifact-openssl"}, {"artifact-zlib", "artifact-zlib-copy"}}}
		check(t, s.SaveGroups(ctx, digest(1), matcher, []vuln.Group{pair}))
		low, critical := finding("CVE-2026-9", "openssl", vuln.Low), fixed(finding("CVE-2026-1", "zlib", vuln.Critical))
		critical.Member = 1
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{1: {low, critical}}, at(5)))

		got, err := s.Matches(ctx, digest(1))
		check(t, err)
		low.FirstSeen, critical.FirstSeen, critical.FixFirstSeen = at(5), at(5), at(5)
		want := []vuln.Match{
			{Finding: critical.Finding, Artifact: "artifact-zlib", Location: "/lib/zlib", Detected: at(10), FixObserved: at(10)},
			{Finding: critical.Finding, Artifact: "artifact-zlib-copy", Location: "/lib/zlib-copy", Detected: at(10), FixObserved: at(10)},
			{Finding: low.Finding, Artifact: "artifact-openssl", Location: "/lib/openssl", Detected: at(10)},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestSaveFindingsOfTheCurrentOnly(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ids := analyzed(t, s, digest(1), at(0), "openssl")
		found := findings(ids, "CVE-2026-1")
		advance(t, s, "", "sha256:g1", nil)
		advance(t, s, "sha256:g1", "sha256:g2", nil)
		for name, err := range map[string]error{
			"no build":        s.SaveFindings(ctx, "", matcher, found, start),
			"build before":    s.SaveFindings(ctx, "sha256:g1", matcher, found, start),
			"another matcher": s.SaveFindings(ctx, "sha256:g2", "grype 99", found, start),
			"unknown build":   s.SaveFindings(ctx, "sha256:g9", matcher, found, start),
		} {
			if !errors.Is(err, errkind.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if unmatched, err := s.Unmatched(ctx, digest(1)); err != nil || len(unmatched) != 1 {
			t.Errorf("something was stored: %+v, %v", unmatched, err)
		}
		check(t, s.SaveFindings(ctx, "sha256:g2", matcher, found, at(1)))
		check(t, s.SaveFindings(ctx, "sha256:g2", matcher, map[int64][]vuln.GroupFinding{ids["openssl"]: nil}, at(2)))
		if matches, err := s.Matches(ctx, digest(1)); err != nil || len(matches) != 1 {
			t.Errorf("a second worker's findings won: %+v, %v", matches, err)
		}
	})
}

func TestCurrentFindings(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "clean", "openssl", "unmatched")
		related := finding("GHSA-aaaa-bbbb-cccc", "openssl", vuln.High)
		related.Related = []vuln.Related{{ID: "CVE-2026-1"}}
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{ids["clean"]: nil, ids["openssl"]: {related}}, at(1)))

		all := slices.Collect(maps.Values(ids))
		got, err := s.CurrentFindings(ctx, all)
		check(t, err)
		related.FirstSeen = at(1)
		if diff := cmp.Diff(map[int64][]vuln.GroupFinding{ids["clean"]: nil, ids["openssl"]: {related}}, got); diff != "" {
			t.Errorf("findings (-want +got)\n%s", diff)
		}
	})
}

// TestFirstSeen follows one vulnerability over builds.
func TestFirstSeen(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g0", nil)
		id := analyzed(t, s, digest(1), at(0), "openssl")["openssl"]
		plain := finding("CVE-2026-1", "openssl", vuln.Medium)
		graver := plain
		graver.Severity = vuln.High
		text := graver
		text.Description = "in other words"
		other := finding("CVE-2026-2", "openssl", vuln.Low)
		steps := []struct {
			name            string
			found           []vuln.GroupFinding
			changed         int
			first, fixFirst time.Time
		}{
			{"found", []vuln.GroupFinding{plain}, 0, at(0), time.Time{}},
			{"the same", []vuln.GroupFinding{plain}, 0, at(0), time.Time{}},
			{"graver", []vuln.GroupFinding{graver}, 1, at(0), time.Time{}},
			{"in other words", []vuln.GroupFinding{text}, 0, at(0), time.Time{}},
			{"with another", []vuln.GroupFinding{other, text}, 1, at(0), time.Time{}},
			{"fixed", []vuln.GroupFinding{other, fixed(text)}, 1, at(0), at(5)},
			{"still fixed", []vuln.GroupFinding{other, fixed(plain)}, 1, at(0), at(5)},
			{"fix withdrawn", []vuln.GroupFinding{other, plain}, 1, at(0), time.Time{}},
			{"fixed anew", []vuln.GroupFinding{other, fixed(plain)}, 1, at(0), at(8)},
			{"gone", []vuln.GroupFinding{other}, 1, time.Time{}, time.Time{}},
			{"back", []vuln.GroupFinding{other, plain}, 1, at(0), time.Time{}},
		}
		for i, step := range steps {
			from, to := fmt.Sprintf("sha256:g%d", i), fmt.Sprintf("sha256:g%d", i+1)
			check(t, s.SaveBuild(ctx, build(to), "", nil, at(i)))
			moved, err := move(t, s, databuild.Advance{From: from, To: to, FromEngine: matcher, Matcher: matcher, Watermark: id},
				map[int64][]vuln.GroupFinding{id: step.found}, at(i))
			check(t, err)
			if moved.Changed != step.changed || moved.Matched != 1 {
				t.Errorf("%s: %+v, want %d changed", step.name, moved, step.changed)
			}
			stored, err := s.CurrentFindings(ctx, []int64{id})
			check(t, err)
			var first, fixFirst time.Time
			for _, f := range stored[id] {
				if f.ID == plain.ID {
					first, fixFirst = f.FirstSeen, f.FixFirstSeen
				}
			}
			if len(stored[id]) != len(step.found) || !first.Equal(step.first) || !fixFirst.Equal(step.fixFirst) {
				t.Errorf("%s: %d findings, first seen %s, fix %s", step.name, len(stored[id]), first, fixFirst)
			}
		}
	})
}

// TestTwins: grype may report one vulnerability of one package twice, with
// different fixes.
func TestTwins(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		id := analyzed(t, s, digest(1), at(0), "openssl")["openssl"]
		a, b := finding("CVE-2026-1", "openssl", vuln.High), fixed(finding("CVE-2026-1", "openssl", vuln.High))
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{id: {a, b, b}}, at(0)))
		if changed := advance(t, s, "sha256:g1", "sha256:g2", map[int64][]vuln.GroupFinding{id: {b, a, b}}); changed != 0 {
			t.Errorf("their order is news")
		}
		if changed := advance(t, s, "sha256:g2", "sha256:g3", map[int64][]vuln.GroupFinding{id: {b, a}}); changed != 1 {
			t.Errorf("one of three going is no news")
		}
		if stored, err := s.CurrentFindings(ctx, []int64{id}); err != nil || len(stored[id]) != 2 {
			t.Errorf("%+v, %v", stored, err)
		}
	})
}
