package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestAnalyzers(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		check(t, s.SeeAnalyzer(t.Context(), "syft 1", at(0)))
		check(t, s.SeeAnalyzer(t.Context(), "syft 2", at(1)))
		check(t, s.SeeAnalyzer(t.Context(), "syft 1", at(3)))
		check(t, s.SeeAnalyzer(t.Context(), "syft 1", at(2))) // of a worker whose clock is behind
		want := []analysis.AnalyzerSeen{{Analyzer: "syft 1", First: at(0), Last: at(3)}, {Analyzer: "syft 2", First: at(1), Last: at(1)}}
		if diff := cmp.Diff(want, must[[]analysis.AnalyzerSeen](t)(s.Analyzers(t.Context()))); diff != "" {
			t.Errorf("analyzers (-want +got):\n%s", diff)
		}
	})
}

// pointTo records what a tag points to.
func pointTo(t *testing.T, s *store.Store, tag image.Target, d image.Digest) {
	t.Helper()
	subscribe(t, s, tag)
	check(t, s.Record(t.Context(), tag, func(view watch.RecordView) (watch.Decision, error) {
		state := view.State
		state.Revision, state.Resolved = state.Revision+1, image.Resolved{Manifest: d}
		return watch.Decision{State: state}, nil
	}))
}

// TestNextOutdated: images that tags point to, in order, but those that the
// analyzer has checked or is to leave alone.
func TestNextOutdated(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		one, other, moved := target(t, "r.example/a:1"), target(t, "r.example/a:2"), target(t, "r.example/b:1")
		for n := 1; n <= 3; n++ {
			analyzed(t, s, digest(n), at(0), "openssl")
		}
		pointTo(t, s, one, digest(1))
		pointTo(t, s, other, digest(1))
		pointTo(t, s, moved, digest(3)) // and none to the second image
		next := func(analyzer string, after int64, minute int) analysis.Renewal {
			t.Helper()
			return must[analysis.Renewal](t)(s.NextOutdated(ctx, analyzer, after, at(minute)))
		}
		if got := next("syft 1", 0, 0); got.Number != 0 {
			t.Errorf("for the same analyzer: %+v", got)
		}
		begin := next("syft 2", 0, 0)
		if begin.Digest != digest(1) || begin.Target != one || begin.Left != 2 {
			t.Errorf("first: %+v", begin)
		}
		if got := next("syft 2", begin.Number, 0); got.Digest != digest(3) || got.Left != 1 {
			t.Errorf("second: %+v", got)
		}
		var before []int
		fail := func(due time.Time) {
			check(t, s.NoteRenewal(ctx, digest(1), "syft 2", func(failures int) (int, time.Time) {
				before = append(before, failures)
				return failures + 1, due
			}))
		}
		fail(at(10))
		if got := next("syft 2", 0, 9); got.Digest != digest(3) {
			t.Errorf("before its time: %+v", got)
		}
		if got := next("syft 2", 0, 10); got.Digest != digest(1) || got.Target != other {
			t.Errorf("at its time, as another tag: %+v", got)
		}
		fail(time.Time{})
		if got := next("syft 2", 0, 1000); got.Digest != digest(3) {
			t.Errorf("given up: %+v", got)
		}
		backlog := func(analyzer string, minute int) analysis.RenewalBacklog {
			t.Helper()
			return must[analysis.RenewalBacklog](t)(s.RenewalBacklog(ctx, analyzer, at(minute)))
		}
		if got, want := backlog("syft 2", 0), (analysis.RenewalBacklog{Due: 1, Never: 1}); got != want {
			t.Errorf("backlog with one given up: %+v, want %+v", got, want)
		}
		fail(at(10))
		if got, want := backlog("syft 2", 9), (analysis.RenewalBacklog{Due: 1, Later: 1}); got != want {
			t.Errorf("backlog before its time: %+v, want %+v", got, want)
		}
		if got, want := backlog("syft 2", 10), (analysis.RenewalBacklog{Due: 2}); got != want {
			t.Errorf("backlog at its time: %+v, want %+v", got, want)
		}
		if got, want := backlog("syft 1", 0), (analysis.RenewalBacklog{}); got != want {
			t.Errorf("backlog of the analyzer itself: %+v, want none", got)
		}
		if got := next("syft 3", 0, 0); got.Digest != digest(1) || got.Target != one {
			t.Errorf("for the next analyzer: %+v", got)
		}
		if diff := cmp.Diff([]int{0, 1, 2}, before); diff != "" {
			t.Errorf("failures (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]image.Target{one, other}, must[[]image.Target](t)(s.Pointing(ctx, digest(1)))); diff != "" {
			t.Errorf("pointing (-want +got):\n%s", diff)
		}
	})
}

// TestNextOutdatedOlder: an image that only workloads run is analyzed again too, under their
// tag, for as long as they run it and the tag is watched.
func TestNextOutdatedOlder(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for n := 1; n <= 2; n++ {
			analyzed(t, s, digest(n), at(0), "openssl")
		}
		check(t, s.SaveSource(ctx, listSource("app"), at(0)))
		engineLists(t, s, 1, source.Running{Digest: digest(4), Count: 3})
		pointsAt(t, s, 2, image.Resolved{Manifest: digest(1), Index: digest(4)})
		pointsAt(t, s, 3, image.Resolved{Manifest: digest(2)})
		next := func() analysis.Renewal {
			t.Helper()
			return must[analysis.Renewal](t)(s.NextOutdated(ctx, "syft 2", 0, at(4)))
		}
		backlog := func(want int) {
			t.Helper()
			if got := must[analysis.RenewalBacklog](t)(s.RenewalBacklog(ctx, "syft 2", at(4))); got != (analysis.RenewalBacklog{Due: want}) {
				t.Errorf("backlog %+v, want %d", got, want)
			}
		}
		if got := next(); got.Digest != digest(1) || got.Target != target(t, "a:1") || !got.Older || got.Left != 2 {
			t.Errorf("while it runs: %+v", got)
		}
		backlog(2)
		engineLists(t, s, 5, source.Running{Digest: digest(2), Count: 3})
		if got := next(); got.Digest != digest(2) || got.Older || got.Left != 1 {
			t.Errorf("after the roll-out: %+v", got)
		}
		backlog(1)
		engineLists(t, s, 6, source.Running{Digest: digest(4), Count: 3})
		backlog(2)
		must[int](t)(s.Unsubscribe(ctx, target(t, "a:1"), nil, at(7)))
		if got := next(); got.Number != 0 {
			t.Errorf("without the tag: %+v", got)
		}
	})
}
