package activities_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// compare runs the comparison of one kind.
func (r *rig) compare(kind watcher.Kind, dryRun bool) watcher.Compared {
	r.Helper()
	return do[watcher.Compared](r, r.steps.CompareWatchers, watcher.CompareRequest{Kind: kind, DryRun: dryRun})
}

func TestCompareWatchersOfTags(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	r.push("app:2", "openssl 2")
	r.push("app:3", "openssl 3")
	runs, lost, begins := r.target("app:1"), r.target("app:2"), r.target("app:3")
	for _, target := range []image.Target{runs, lost, begins} {
		r.subscribe(target, notification.TagUpdate)
	}
	left := r.target("app:left").String()
	r.watchers.running = map[watcher.Kind][]string{watcher.Tag: {runs.String(), begins.String(), left}}
	r.watchers.listed = map[watcher.Kind][]string{watcher.Tag: {runs.String(), left, r.target("app:ended").String()}}
	r.watchers.take()
	want := watcher.Compared{Kind: watcher.Tag, Wanted: 3, Missing: 1, MissingNames: []string{lost.String()}, Stray: 1, StrayNames: []string{left}}
	if diff := cmp.Diff(want, r.compare(watcher.Tag, true)); diff != "" {
		t.Errorf("dry run (-want +got)\n%s", diff)
	}
	if woken := r.watchers.take(); len(woken) != 0 {
		t.Errorf("a dry run wakes %v", woken)
	}
	if diff := cmp.Diff(want, r.compare(watcher.Tag, false)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"missing app:2", "missing app:left"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got)\n%s", diff)
	}
}

func TestCompareOtherWatchers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	r.subscribe(r.target("app:1"), notification.TagUpdate)
	r.endpoint("hook", notification.TagUpdate)
	repository := r.target("app:1").Reference.Repository
	r.must(r.store.SaveRepository(t.Context(), taglist.Repository{Name: repository}, r.clock.Now()))
	r.watchers.take()
	for _, test := range []struct {
		kind  watcher.Kind
		name  string
		woken string
	}{
		{watcher.Registry, r.registry.Host(), "registry"},
		{watcher.Repository, repository.String(), "repository app"},
		{watcher.Endpoint, "hook", "endpoint hook"},
	} {
		want := watcher.Compared{Kind: test.kind, Wanted: 1, Missing: 1, MissingNames: []string{test.name}}
		if diff := cmp.Diff(want, r.compare(test.kind, false)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.kind, diff)
		}
		if diff := cmp.Diff([]string{test.woken}, r.watchers.take()); diff != "" {
			t.Errorf("%s: woken (-want +got)\n%s", test.kind, diff)
		}
	}
}

func TestCompareDeliveries(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("deleted")
	r.endpoint("hook")
	r.pending(1)
	r.clock.advance(time.Hour)
	r.watchers.take()
	compare := func(dryRun bool) watcher.DeliveriesCompared {
		return do[watcher.DeliveriesCompared](r, r.steps.CompareDeliveries, watcher.ReconcileRequest{DryRun: dryRun})
	}
	want := watcher.DeliveriesCompared{Overdue: 2}
	if got := compare(true); got != want {
		t.Errorf("dry run: %+v, want %+v", got, want)
	}
	if woken := r.watchers.take(); len(woken) != 0 {
		t.Errorf("a dry run wakes %v", woken)
	}
	if got := compare(false); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if diff := cmp.Diff([]string{"endpoint deleted", "endpoint hook"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got)\n%s", diff)
	}
	// An endpoint that fails is tried in its own time.
	r.must(r.store.SetEndpointState(t.Context(), "hook", delivery.EndpointState{FailingSince: r.clock.Now(), Failures: 3}))
	r.must(r.store.DeleteEndpoint(t.Context(), "deleted", r.clock.Now()))
	if got := compare(false); got != (watcher.DeliveriesCompared{}) {
		t.Errorf("%+v, want nothing", got)
	}
}
