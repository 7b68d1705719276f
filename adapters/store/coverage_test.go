package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

const buster vuln.Distribution = `{"buster"}`

var (
	lacking = vuln.Coverage{State: vuln.NotCovered, Distribution: "debian 10", Reason: "the data has nothing about debian 10"}
	having  = vuln.Coverage{State: vuln.Covered, Distribution: "debian 10", EndOfLife: at(9)}
)

// advanceCovering moves without any new findings.
func advanceCovering(t *testing.T, s *store.Store, from, to string, coverage map[vuln.Distribution]vuln.Coverage) error {
	t.Helper()
	check(t, s.SaveBuild(t.Context(), build(to), "", nil, start))
	_, err := s.Advance(t.Context(), databuild.Advance{From: from, To: to, FromEngine: matcher, Matcher: matcher, Watermark: 1 << 40, Coverage: coverage}, start)
	return err
}

// TestCoverageIsPartOfTheMatch: an image is matched when it is known whether the
// data covers its distribution, and a subject tells it.
func TestCoverageIsPartOfTheMatch(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		ids := analyzed(t, s, digest(1), at(0), "openssl")
		advance(t, s, "", "sha256:g1", nil)
		check(t, s.SaveDistribution(ctx, digest(1), buster))
		save(t, s, "sha256:g1", ids, "CVE-2026-1")
		if must[bool](t)(s.Matched(ctx, digest(1))) {
			t.Error("matched before its distribution was looked up")
		}
		if got := must[vuln.Distribution](t)(s.NotLookedUp(ctx, digest(1))); got != buster {
			t.Errorf("not looked up: %q", got)
		}
		if err := s.SaveCoverage(ctx, "sha256:other", map[vuln.Distribution]vuln.Coverage{buster: having}); !errors.Is(err, errkind.Conflict) {
			t.Errorf("coverage of data that is not current: %v", err)
		}
		check(t, s.SaveCoverage(ctx, "sha256:g1", map[vuln.Distribution]vuln.Coverage{buster: lacking}))
		if got := must[vuln.Distribution](t)(s.NotLookedUp(ctx, digest(1))); got != "" || !must[bool](t)(s.Matched(ctx, digest(1))) {
			t.Errorf("looked up, and %q is left", got)
		}
		subject, err := s.Subject(ctx, target(t, "app:1"), digest(1))
		check(t, err)
		if subject.Feed.Coverage != lacking || !subject.Matched {
			t.Errorf("the subject's coverage is %+v", subject.Feed.Coverage)
		}
	})
}

// TestCoverageMovesWithTheData: a move knows all distributions, and affects the
// tags of those of which it has another answer.
func TestCoverageMovesWithTheData(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		analyzed(t, s, digest(1), at(0), "openssl")
		analyzed(t, s, digest(2), at(0), "zlib")
		old, other := target(t, "old:1"), target(t, "other:1")
		subscribe(t, s, old, other)
		record(t, s, old, watch.State{Revision: 1, Analyzed: digest(1), Matched: true, Coverage: having, Basis: watch.Basis{Matcher: matcher}})
		record(t, s, other, watch.State{Revision: 1, Analyzed: digest(2), Basis: watch.Basis{Matcher: matcher}})
		check(t, s.SaveDistribution(ctx, digest(1), buster))
		if got := must[[]vuln.Distribution](t)(s.Distributions(ctx)); !cmp.Equal(got, []vuln.Distribution{buster}) {
			t.Errorf("distributions %q", got)
		}
		first := databuild.Advance{To: "sha256:g1", Matcher: matcher, Watermark: 1 << 40}
		check(t, s.SaveBuild(ctx, build("sha256:g1"), "", nil, start))
		if _, err := s.Advance(ctx, first, start); !errors.Is(err, errkind.Conflict) {
			t.Errorf("a move that did not check the distribution up: %v", err)
		}
		first.Coverage = map[vuln.Distribution]vuln.Coverage{buster: having}
		_, err := s.Advance(ctx, first, start)
		check(t, err)
		affected := func(build string, want ...image.Target) {
			t.Helper()
			if diff := cmp.Diff(append([]image.Target{}, want...), affectedBy(t, s, build)); diff != "" {
				t.Errorf("affected by %s (-want +got)\n%s", build, diff)
			}
		}
		affected("sha256:g1")
		check(t, advanceCovering(t, s, "sha256:g1", "sha256:g2", map[vuln.Distribution]vuln.Coverage{buster: lacking}))
		affected("sha256:g2", old)
		check(t, advanceCovering(t, s, "sha256:g2", "sha256:g3", map[vuln.Distribution]vuln.Coverage{buster: lacking}))
		affected("sha256:g3")
		check(t, advanceCovering(t, s, "sha256:g3", "sha256:g4", map[vuln.Distribution]vuln.Coverage{buster: having}))
		affected("sha256:g4", old)
	})
}

// TestNotCoveredIsFoundAgain: wherever tags are listed and counted.
func TestNotCoveredIsFoundAgain(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		old, fine := target(t, "old:1"), target(t, "fine:1")
		subscribe(t, s, old, fine)
		record(t, s, old, watch.State{Revision: 1, Analyzed: digest(1), Matched: true, Coverage: lacking})
		record(t, s, fine, watch.State{Revision: 1, Analyzed: digest(2), Matched: true, Coverage: having})
		if summary := must[watch.Summary](t)(s.Summary(ctx, old)); summary.Coverage != lacking {
			t.Errorf("summary %+v", summary.Coverage)
		}
		if view := must[watch.RecordView](t)(s.View(ctx, old)); view.State.Coverage != lacking {
			t.Errorf("state %+v", view.State.Coverage)
		}
		page, total, err := s.Overview(ctx, watch.OverviewFilter{Uncovered: true})
		check(t, err)
		if total != 1 || len(page) != 1 || page[0].Target != old || page[0].Coverage != lacking {
			t.Errorf("%d listed: %+v", total, page)
		}
		if got := must[[]image.Target](t)(s.NotCovered(ctx)); !cmp.Equal(got, []image.Target{old}) {
			t.Errorf("not covered: %v", got)
		}
		if totals := must[store.Totals](t)(s.Totals(ctx, start)); totals.NotCovered != 1 {
			t.Errorf("%d counted", totals.NotCovered)
		}
	})
}
