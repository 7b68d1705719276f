package activities_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// TestWakingLetsTheWorkersCatchUp: whatever wakes many watchers waits now and then
// until there is room for more.
func TestWakingLetsTheWorkersCatchUp(t *testing.T) {
	t.Parallel()
	const tags, mostAtOnce = 120, 50
	for _, test := range []struct {
		name string
		run  func(r *rig)
	}{
		{"start of a repository's watchers", func(r *rig) { do[int](r, r.steps.StartWatches, r.target("app:1").Reference.Repository) }},
		{"what needs more than an evaluation", func(r *rig) {
			r.data(1)
			for n := range tags {
				r.must(r.store.Record(r.Context(), r.target(fmt.Sprintf("app:%d", n)), func(watch.RecordView) (watch.Decision, error) {
					return watch.Decision{State: watch.State{Revision: 1, Analyzed: "sha256:1"}}, nil
				}))
			}
			r.activate("first", "high")
			do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
		}},
		{"what does not run", func(r *rig) { r.compare(watcher.Tag, false) }},
		{"search attributes", func(r *rig) {
			r.watchers.labels = map[string]watcher.Running{}
			for n := range tags {
				name := r.target(fmt.Sprintf("app:%d", n)).String()
				r.watchers.labels[name] = watcher.Running{}
				r.watchers.running = map[watcher.Kind][]string{watcher.Tag: append(r.watchers.running[watcher.Tag], name)}
			}
			r.compare(watcher.Tag, false)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var subs []subscription.Subscription
			for n := range tags {
				subs = append(subs, subscription.Subscription{Target: r.target(fmt.Sprintf("app:%d", n)), Type: notification.TagUpdate, Active: true})
			}
			r.must(r.store.Subscribe(t.Context(), subs, 0, r.clock.Now()))
			var batches []int
			r.watchers.room = func() { batches = append(batches, len(r.watchers.take())) }
			test.run(r)
			if len(batches) < tags/mostAtOnce || slices.Max(append(batches, len(r.watchers.take()))) > mostAtOnce {
				t.Errorf("woken at once: %v", batches)
			}
		})
	}
}

// TestWatchersWithoutSearchAttributes set them again, and only those.
func TestWatchersWithoutSearchAttributes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	whole, unnamed, judged, fresh := r.target("app:whole"), r.target("app:unnamed"), r.target("app:judged"), r.target("app:new")
	r.matched("app:judged", "openssl 1")
	r.subscribe(judged)
	r.resync(judged)
	var running []string
	for target, packages := range map[string]string{"app:whole": "openssl 1", "app:unnamed": "openssl 1", "app:new": "zlib 1"} {
		r.push(target, packages)
		r.subscribe(r.target(target))
	}
	for _, target := range []fmt.Stringer{whole, unnamed, judged, fresh} {
		running = append(running, target.String())
	}
	r.watchers.running = map[watcher.Kind][]string{watcher.Tag: running}
	r.watchers.labels = map[string]watcher.Running{unnamed.String(): {Outcome: true}, judged.String(): {Named: true}, fresh.String(): {Named: true}}
	for _, dryRun := range []bool{true, false} {
		r.watchers.take()
		got := r.compare(watcher.Tag, dryRun)
		if got.Unlabeled != 2 || got.Wanted != 4 || got.Missing+got.Stray != 0 {
			t.Errorf("compared %+v", got)
		}
		want := []string{"attributes app:judged", "attributes app:unnamed"}
		if dryRun {
			want = nil
		}
		if woken := r.watchers.take(); !slices.Equal(woken, want) {
			t.Errorf("dry run %v: woken %v, want %v", dryRun, woken, want)
		}
	}
}
