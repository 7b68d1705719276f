package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// TestRecordAll records some targets, leaves others as they are, and remembers whose
// watchers are to be woken until they were, or the target is recorded again.
func TestRecordAll(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		changed, same, ended := target(t, "changed:1"), target(t, "same:1"), target(t, "ended:1")
		subscribe(t, s, changed, same)
		record(t, s, changed, watch.State{Revision: 1, Analyzed: digest(1)})
		record(t, s, same, watch.State{Revision: 1, Analyzed: digest(1)})
		check(t, s.RecordAll(ctx, []image.Target{ended, same, changed}, func(i int, view watch.RecordView) (watch.Decision, watcher.WakeReason, error) {
			if i == 1 {
				return watch.Decision{}, watcher.WakeOutdated, nil
			}
			view.State.Revision++
			view.State.Analyzed = digest(2)
			return watch.Decision{State: view.State}, watcher.WakePolicy, nil
		}))
		if state := must[watch.RecordView](t)(s.View(ctx, changed)).State; state.Revision != 2 || state.Analyzed != digest(2) {
			t.Errorf("recorded %+v", state)
		}
		if state := must[watch.RecordView](t)(s.View(ctx, same)).State; state.Revision != 1 || state.Analyzed != digest(1) {
			t.Errorf("the other %+v", state)
		}
		owed := must[[]watch.OwedWake](t)(s.OwedWakes(ctx, 10))
		want := []watch.OwedWake{{Target: changed, Reason: watcher.WakePolicy, Revision: 2}, {Target: same, Reason: watcher.WakeOutdated, Revision: 1}}
		if diff := cmp.Diff(want, owed); diff != "" {
			t.Errorf("owed (-want +got)\n%s", diff)
		}
		check(t, s.Woke(ctx, []watch.OwedWake{owed[0], {Target: same, Reason: watcher.WakeOutdated, Revision: 7}}))
		if diff := cmp.Diff(want[1:], must[[]watch.OwedWake](t)(s.OwedWakes(ctx, 10))); diff != "" {
			t.Errorf("still owed (-want +got)\n%s", diff)
		}
		record(t, s, same, watch.State{Revision: 2, Analyzed: digest(1)})
		if owed := must[[]watch.OwedWake](t)(s.OwedWakes(ctx, 10)); len(owed) > 0 {
			t.Errorf("owed to whoever has recorded: %+v", owed)
		}
	})
}

// TestKeepOutcomes changes the bundle of those that are of the bundle before.
func TestKeepOutcomes(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		kept, newer, left := target(t, "kept:1"), target(t, "newer:1"), target(t, "left:1")
		subscribe(t, s, kept, newer, left)
		for _, tag := range []image.Target{kept, left} {
			record(t, s, tag, watch.State{Revision: 1, Analyzed: digest(1), Basis: watch.Basis{Bundle: "one"}})
		}
		record(t, s, newer, watch.State{Revision: 1, Analyzed: digest(1), Basis: watch.Basis{Bundle: "three"}})
		check(t, s.KeepOutcomes(ctx, "one", "two", []image.Target{kept, newer}))
		got := map[image.Target]string{}
		for _, o := range must[[]watch.Outcome](t)(s.Outcomes(ctx, watch.OutcomeFilter{})) {
			got[o.Target] = o.View.State.Basis.Bundle
		}
		if diff := cmp.Diff(map[image.Target]string{kept: "two", newer: "three", left: "one"}, got); diff != "" {
			t.Errorf("bundles (-want +got)\n%s", diff)
		}
	})
}
