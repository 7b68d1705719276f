package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestFeed(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		feed := must[databuild.Feed](t)(s.Feed(ctx))
		if diff := cmp.Diff(databuild.Feed{}, feed); diff != "" {
			t.Errorf("of a new store (-want +got)\n%s", diff)
		}
		advance(t, s, "", "sha256:g1", nil)
		advance(t, s, "sha256:g1", "sha256:g2", nil)
		check(t, s.SaveBuild(ctx, build("sha256:g3"), databuild.Held, []string{"debian vanished"}, at(1)))
		check(t, s.SaveBuild(ctx, build("sha256:g4"), databuild.Held, []string{"alpine vanished"}, at(2)))
		problem := &condition.Problem{Kind: "Unavailable", Stage: condition.StageFetch, Message: "no route", Since: at(3)}
		source := condition.Key{Kind: condition.SourceUnreachable, Resource: condition.Data, Name: condition.AllData}
		follow(t, s, condition.Wrong(source, problem.Wrong()), at(3))
		check(t, s.NoteFeed(ctx, at(4), "deprecated"))
		one, two, four := build("sha256:g1"), build("sha256:g2"), build("sha256:g4")
		feed = must[databuild.Feed](t)(s.Feed(ctx))
		want := databuild.Feed{Current: &two, Previous: &one, Held: &four, Reasons: []string{"alpine vanished"}, HeldSince: at(2), Matcher: matcher,
			Checked: at(4), Status: "deprecated", Problem: problem}
		if diff := cmp.Diff(want, feed); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		follow(t, s, condition.Wrong(source, nil), at(5))
		check(t, s.NoteFeed(ctx, time.Time{}, ""))
		if feed = must[databuild.Feed](t)(s.Feed(ctx)); feed.Problem != nil || !feed.Checked.Equal(at(4)) || feed.Status != "deprecated" {
			t.Errorf("recovered: %+v", feed)
		}
	})
}

func TestFeedConditions(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		report := condition.Report{Scope: condition.Scope{Kinds: vuln.ConditionKinds}, Found: []condition.Found{
			{Key: condition.Key{Kind: vuln.ProviderOutdated, Resource: condition.Data, Name: "debian"}, Message: "old"},
			{Key: condition.Key{Kind: vuln.SourceEndOfLife, Resource: condition.Data, Name: condition.AllData}}}}
		follow(t, s, report, at(1))
		feed := must[databuild.Feed](t)(s.Feed(ctx))
		if len(feed.Conditions) != 2 || feed.Conditions[0].Name != "debian" || feed.Conditions[0].Message != "old" || !feed.Conditions[0].Since.Equal(at(1)) {
			t.Errorf("conditions %+v", feed.Conditions)
		}
		if diff := cmp.Diff(feed.Conditions, must[store.Totals](t)(s.Totals(ctx, at(4))).FeedConditions); diff != "" {
			t.Errorf("in the totals (-want +got)\n%s", diff)
		}
		follow(t, s, condition.Report{Scope: report.Scope}, at(5))
		if feed := must[databuild.Feed](t)(s.Feed(ctx)); len(feed.Conditions) > 0 {
			t.Errorf("ended: %+v", feed)
		}
	})
}

// TestHold: what is on hold keeps what else it is and since when, and is judged
// anew when it comes again after the end of the hold.
func TestHold(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		advance(t, s, "sha256:g1", "sha256:g2", nil)
		expect := func(when string, held bool, since time.Time, states map[string]databuild.BuildState) {
			t.Helper()
			feed := must[databuild.Feed](t)(s.Feed(ctx))
			if (feed.Held != nil) != held || !feed.HeldSince.Equal(since) || must[store.Totals](t)(s.Totals(ctx, start)).FeedHeld != held {
				t.Errorf("%s: on hold %+v since %s, want %t since %s", when, feed.Held, feed.HeldSince, held, since)
			}
			for checksum, want := range states {
				if got := must[databuild.BuildState](t)(s.BuildState(ctx, checksum)); got != want {
					t.Errorf("%s: %s is %q, want %q", when, checksum, got, want)
				}
			}
		}
		hold := func(checksum string, when time.Time) {
			t.Helper()
			check(t, s.SaveBuild(ctx, build(checksum), databuild.Held, []string{"why"}, when))
		}
		hold("sha256:g3", at(1))
		hold("sha256:g3", at(2))
		expect("on hold twice", true, at(1), map[string]databuild.BuildState{"sha256:g3": databuild.Held, "sha256:g1": databuild.Previous})
		hold("sha256:g1", at(3))
		expect("the previous one", true, at(3), map[string]databuild.BuildState{"sha256:g3": "", "sha256:g1": databuild.Previous})
		if feed := must[databuild.Feed](t)(s.Feed(ctx)); !feed.WentBack() {
			t.Errorf("the previous one is on hold: %+v", feed)
		}
		check(t, s.EndHold(ctx))
		expect("ended", false, time.Time{}, map[string]databuild.BuildState{"sha256:g1": databuild.Previous, "sha256:g2": databuild.Current})
		hold("sha256:g1", at(4))
		_, err := s.Advance(ctx, databuild.Advance{From: "sha256:g2", To: "sha256:g1", FromEngine: matcher, Matcher: matcher, Leave: databuild.Withdrawn, Watermark: 1}, start)
		check(t, err)
		expect("withdrawn", false, time.Time{}, map[string]databuild.BuildState{"sha256:g1": databuild.Current, "sha256:g2": databuild.Withdrawn})
		hold("sha256:g4", at(5))
		check(t, s.SaveBuild(ctx, build("sha256:g4"), "", nil, at(6)))
		expect("judged well", false, time.Time{}, map[string]databuild.BuildState{"sha256:g4": ""})
	})
}

func TestBuildStates(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		advance(t, s, "sha256:g1", "sha256:g2", nil)
		check(t, s.SaveBuild(ctx, build("sha256:g3"), databuild.Held, nil, start))
		check(t, s.SaveBuild(ctx, build("sha256:bad"), databuild.Rejected, nil, start))
		check(t, s.SaveBuild(ctx, build("sha256:next"), "", nil, start))
		states := func() map[string]databuild.BuildState {
			got := map[string]databuild.BuildState{}
			for _, checksum := range []string{"sha256:g1", "sha256:g2", "sha256:g3", "sha256:bad", "sha256:next", "sha256:never"} {
				got[checksum] = must[databuild.BuildState](t)(s.BuildState(ctx, checksum))
			}
			return got
		}
		want := map[string]databuild.BuildState{"sha256:g1": databuild.Previous, "sha256:g2": databuild.Current, "sha256:g3": databuild.Held,
			"sha256:bad": databuild.Rejected, "sha256:next": "", "sha256:never": ""}
		if diff := cmp.Diff(want, states()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if err := s.SaveBuild(ctx, build("sha256:g2"), databuild.Rejected, nil, start); !errors.Is(err, errkind.Conflict) {
			t.Errorf("reject the current one: %v", err)
		}
		// Back to the previous one: what was left must not come back by itself.
		_, err := s.Advance(ctx, databuild.Advance{From: "sha256:g2", To: "sha256:g1", FromEngine: matcher, Matcher: matcher, Leave: databuild.Rejected, Watermark: 1}, start)
		check(t, err)
		want = map[string]databuild.BuildState{"sha256:g1": databuild.Current, "sha256:g2": databuild.Rejected, "sha256:g3": "",
			"sha256:bad": databuild.Rejected, "sha256:next": "", "sha256:never": ""}
		if diff := cmp.Diff(want, states()); diff != "" {
			t.Errorf("after a rollback (-want +got)\n%s", diff)
		}
	})
}

func TestAdvanceConflicts(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "openssl")
		save(t, s, "sha256:g1", ids, "CVE-2026-1")
		considered := ids["openssl"]
		// While the update is being computed, another image is matched with the
		// old data, and a third is not matched yet.
		ids = analyzed(t, s, digest(2), at(1), "zlib")
		save(t, s, "sha256:g1", map[string]int64{"zlib": ids["zlib"]}, "CVE-2026-1")
		ids = analyzed(t, s, digest(3), at(2), "curl")

		check(t, s.SaveBuild(ctx, build("sha256:g2"), "", nil, start))
		update := databuild.Advance{From: "sha256:g1", To: "sha256:g2", FromEngine: matcher, Matcher: matcher, Watermark: considered}
		found := findings(map[string]int64{"openssl": ids["openssl"]}, "CVE-2026-2")
		if _, err := move(t, s, update, found, start); !errors.Is(err, errkind.Conflict) {
			t.Fatalf("uncovered: %v", err)
		}
		if matches, err := s.Matches(ctx, digest(1)); err != nil || matches[0].ID != "CVE-2026-1" {
			t.Errorf("something was stored: %+v, %v", matches, err)
		}
		update.Watermark = ids["zlib"]
		moved, err := s.Advance(ctx, update, start)
		if err != nil || moved != (databuild.Moved{Matched: 1, Changed: 1}) {
			t.Errorf("covered: %+v, %v", moved, err)
		}
		if _, err := s.Advance(ctx, update, start); !errors.Is(err, errkind.Conflict) {
			t.Errorf("again: %v", err)
		}
		update.From, update.To = "sha256:g2", "sha256:unknown"
		if _, err := s.Advance(ctx, update, start); !errors.Is(err, errkind.NotFound) {
			t.Errorf("unknown build: %v", err)
		}
		for d, want := range map[int]bool{1: true, 2: true, 3: false} {
			if got, err := s.Matched(ctx, digest(d)); err != nil || got != want {
				t.Errorf("image %d matched: %v, %v", d, got, err)
			}
		}
	})
}

// TestAnotherEngine: findings of another matcher are not valid, also when that
// matcher returns.
func TestAnotherEngine(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "openssl", "zlib")
		save(t, s, "sha256:g1", ids, "CVE-2026-1")
		current := matcher
		rematch := func(by vuln.Matcher, touched ...string) {
			t.Helper()
			found := map[int64][]vuln.GroupFinding{}
			for _, name := range touched {
				found[ids[name]] = []vuln.GroupFinding{finding("CVE-2026-1", name, vuln.High)}
			}
			update := databuild.Advance{From: "sha256:g1", To: "sha256:g1", FromEngine: current, Matcher: by}
			_, err := move(t, s, update, found, at(1))
			check(t, err)
			if _, err := s.Advance(ctx, update, at(1)); !errors.Is(err, errkind.Conflict) {
				t.Errorf("a move from the findings of %s, which are gone: %v", current, err)
			}
			current = by
		}
		unmatched := func() (names []string) {
			t.Helper()
			groups, err := s.Unmatched(ctx, digest(1))
			check(t, err)
			for _, g := range groups {
				names = append(names, g.Keys[0])
			}
			return names
		}
		rematch("grype 99", "openssl")
		if diff := cmp.Diff([]string{"zlib"}, unmatched()); diff != "" {
			t.Errorf("another matcher (-want +got)\n%s", diff)
		}
		if feed := must[databuild.Feed](t)(s.Feed(ctx)); feed.Matcher != "grype 99" || feed.Current.Checksum != "sha256:g1" {
			t.Errorf("%+v", feed)
		}
		rematch(matcher, "openssl")
		if diff := cmp.Diff([]string{"zlib"}, unmatched()); diff != "" {
			t.Errorf("the first again (-want +got)\n%s", diff)
		}
	})
}

// TestSaveWhileAdvancing: whatever the order, findings of an old build are
// never taken for those of the new one.
func TestSaveWhileAdvancing(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "openssl")
		check(t, s.SaveBuild(ctx, build("sha256:g2"), "", nil, start))
		var saved, moved error
		var both sync.WaitGroup
		both.Go(func() { saved = s.SaveFindings(ctx, "sha256:g1", matcher, findings(ids, "CVE-2026-1"), start) })
		both.Go(func() {
			_, moved = s.Advance(ctx, databuild.Advance{From: "sha256:g1", To: "sha256:g2", FromEngine: matcher, Matcher: matcher}, start)
		})
		both.Wait()
		if (saved == nil) == (moved == nil) || !errors.Is(errors.Join(saved, moved), errkind.Conflict) {
			t.Errorf("save: %v, advance: %v", saved, moved)
		}
	})
}

func TestSums(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if _, err := s.Sums(ctx, "sha256:g1"); !errors.Is(err, errkind.NotFound) {
			t.Errorf("before: %v", err)
		}
		for _, checksum := range []string{"sha256:g0", "sha256:g1", "sha256:g2"} {
			check(t, s.SaveSums(ctx, checksum, []byte("sums of "+checksum)))
		}
		advance(t, s, "", "sha256:g1", nil)
		advance(t, s, "sha256:g1", "sha256:g2", nil)
		if sums, err := s.Sums(ctx, "sha256:g0"); !errors.Is(err, errkind.NotFound) {
			t.Errorf("of neither the current nor the previous: %q, %v", sums, err)
		}
		check(t, s.SaveSums(ctx, "sha256:g2", []byte("new sums")))
		if sums, err := s.Sums(ctx, "sha256:g2"); err != nil || string(sums) != "new sums" {
			t.Errorf("%q, %v", sums, err)
		}
	})
}

func TestAffected(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(0), "openssl", "zlib")
		analyzed(t, s, digest(2), at(0), "zlib")
		ghsa := fixed(finding("GHSA-aaaa-bbbb-cccc", "openssl", vuln.High))
		ghsa.Related = []vuln.Related{{ID: "CVE-2026-7"}}
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{
			ids["openssl"]: {ghsa, finding("CVE-2026-8", "openssl", vuln.Low)}, ids["zlib"]: {finding("CVE-2026-7", "zlib", vuln.Medium)}}, start))
		both, alsoBoth, zlib, none := target(t, "both:1"), target(t, "both:2"), target(t, "zlib:1"), target(t, "none:1")
		subscribe(t, s, both, alsoBoth, zlib, none)
		basis := watch.Basis{Matcher: matcher}
		record(t, s, both, watch.State{Revision: 1, Analyzed: digest(1), Basis: basis})
		record(t, s, alsoBoth, watch.State{Revision: 1, Analyzed: digest(1), Basis: basis})
		record(t, s, zlib, watch.State{Revision: 1, Analyzed: digest(2), Basis: basis})

		tags, err := s.Affected(ctx, "cve-2026-7")
		check(t, err)
		none1 := vuln.Fix{State: vuln.FixNone}
		want := []store.AffectedTag{
			{Target: both, Digest: digest(1), ID: ghsa.ID, Package: "openssl", Version: "1.0", Type: "deb", Namespace: "debian:distro:debian:12", Severity: vuln.High, Fix: ghsa.Fix},
			{Target: both, Digest: digest(1), ID: "CVE-2026-7", Package: "zlib", Version: "1.0", Type: "deb", Namespace: "debian:distro:debian:12", Severity: vuln.Medium, Fix: none1},
			{Target: alsoBoth, Digest: digest(1), ID: ghsa.ID, Package: "openssl", Version: "1.0", Type: "deb", Namespace: "debian:distro:debian:12", Severity: vuln.High, Fix: ghsa.Fix},
			{Target: alsoBoth, Digest: digest(1), ID: "CVE-2026-7", Package: "zlib", Version: "1.0", Type: "deb", Namespace: "debian:distro:debian:12", Severity: vuln.Medium, Fix: none1},
			{Target: zlib, Digest: digest(2), ID: "CVE-2026-7", Package: "zlib", Version: "1.0", Type: "deb", Namespace: "debian:distro:debian:12", Severity: vuln.Medium, Fix: none1},
		}
		if diff := cmp.Diff(want, tags); diff != "" {
			t.Errorf("affected (-want +got)\n%s", diff)
		}
		// The next build has news about openssl, and about zlib none.
		changed := advance(t, s, "sha256:g1", "sha256:g2", map[int64][]vuln.GroupFinding{
			ids["openssl"]: {ghsa}, ids["zlib"]: {finding("CVE-2026-7", "zlib", vuln.Medium)}})
		if changed != 1 {
			t.Errorf("%d changed", changed)
		}
		if diff := cmp.Diff([]image.Target{both, alsoBoth}, affectedBy(t, s, "sha256:g2")); diff != "" {
			t.Errorf("affected targets (-want +got)\n%s", diff)
		}
		second := watch.OutcomeFilter{Build: "sha256:g2", After: watch.OutcomePlace{Image: digest(1), Target: both.String()}, Limit: 1}
		if page := must[[]watch.Outcome](t)(s.Outcomes(ctx, second)); len(page) != 1 || page[0].Target != alsoBoth {
			t.Errorf("second page %v", page)
		}
		_, err = s.Unsubscribe(ctx, both, []notification.Type{notification.VulnUpdate}, start)
		check(t, err)
		if diff := cmp.Diff([]image.Target{alsoBoth}, affectedBy(t, s, "sha256:g2")); diff != "" {
			t.Errorf("after unsubscribing (-want +got)\n%s", diff)
		}
	})
}

// affectedBy are the targets whose outcome a build may change.
func affectedBy(t *testing.T, s *store.Store, build string) []image.Target {
	t.Helper()
	found := []image.Target{}
	for _, o := range must[[]watch.Outcome](t)(s.Outcomes(t.Context(), watch.OutcomeFilter{Build: build})) {
		found = append(found, o.Target)
	}
	return found
}
