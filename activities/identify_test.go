package activities_test

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/lab"
)

// onEachEngine runs a test on each database.
func onEachEngine(t *testing.T, test func(t *testing.T, r *engineRig)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, open func(testing.TB) *store.Store) { test(t, newEngineRig(t, open(t))) })
}

// TestDigestsOfOneImage: nodes with other runtimes name an image by the digest of its index, of
// its manifest or of its configuration. None of them was seen by a tag, and none starts
// anything; each is looked up once.
func TestDigestsOfOneImage(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r *engineRig) {
		built, other := labImage(r, "openssl 1"), labImage(r, "openssl 2")
		index, manifest, configuration := r.pushIndex("app:1", built, other), named(r, built.Digest), named(r, built.ConfigName)
		r.runsNow(index, index, index)
		if asked := r.asked(); asked != 0 {
			t.Errorf("asked %d times about the first listing", asked)
		}
		r.runsNow(index, index, manifest)
		if asked := r.asked(); asked != 2 {
			t.Errorf("asked %d times, want once for each digest", asked)
		}
		for _, runs := range [][]image.Digest{{index, manifest, manifest}, {manifest, manifest, manifest}, {index, index, index}} {
			r.runsNow(runs...)
		}
		if asked := r.asked(); asked != 0 {
			t.Errorf("asked %d times about what is known", asked)
		}
		r.runsNow(index, index, configuration)
		r.runsNow(configuration, configuration, configuration)
		if got := r.summaries(notification.RuntimeUpdate); len(got) > 0 {
			t.Errorf("invented %v", got)
		}
		if got := r.status(); got != "0 of 3, 0 older, 3 unknown" {
			t.Errorf("status %s: what a registry says does not make an image known", got)
		}
		after := r.push("app:1", "openssl 3")
		r.runsNow(configuration, configuration, after)
		r.runsNow(index, manifest, after)
		r.runsNow(after, after, after)
		if got := r.summaries(notification.RuntimeUpdate); len(got) != 1 || !strings.Contains(got[0], "starts to run "+after.Short()) {
			t.Errorf("runtime_update: %v", got)
		}
	})
}

// TestRuntimeUpdateWaits for a registry that does not respond, which shows, and for one that
// does not have what runs.
func TestRuntimeUpdateWaits(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r *engineRig) {
		before, after := r.push("app:1", "openssl 1"), r.push("app:1", "openssl 2")
		r.runsNow(before, before)
		lift := r.registry.Fail(lab.Fault{Status: 500})
		r.runsNow(after, after)
		if problem := r.waits(); problem != nil {
			t.Errorf("shown at once: %+v", problem)
		}
		r.clock.advance(10 * time.Minute)
		r.runsNow(after, after)
		if problem := r.waits(); problem == nil || !strings.Contains(problem.Message, "service shop/web runs "+after.Short()+", which may be "+before.Short()+" under another digest") {
			t.Errorf("shown after ten minutes: %+v", problem)
		}
		if got := r.summaries(notification.RuntimeUpdate); len(got) > 0 {
			t.Errorf("invented %v", got)
		}
		lift()
		r.runsNow(after, after)
		if got := r.summaries(notification.RuntimeUpdate); len(got) != 1 || r.waits() != nil {
			t.Errorf("runtime_update: %v, %+v waits", got, r.waits())
		}
		gone := image.Digest("sha256:" + strings.Repeat("7", 64))
		r.runsNow(gone, after)
		if problem := r.waits(); problem == nil || !strings.Contains(problem.Message, "neither a manifest nor a configuration") {
			t.Errorf("a digest that the registry does not have: %+v", problem)
		}
		r.runsNow(after, after)
		if problem := r.waits(); problem != nil {
			t.Errorf("it waits for what does not run: %+v", problem)
		}
		want := []string{"system.source.identified home", "system.source.identified home", "system.source.unidentified home", "system.source.unidentified home"} // sorted
		var events []string
		for _, line := range inOrder(r.notified()) {
			if strings.HasPrefix(line, "system.source.") {
				events = append(events, line)
			}
		}
		if diff := cmp.Diff(want, events); diff != "" || len(r.summaries(notification.RuntimeUpdate)) != 1 {
			t.Errorf("events (-want +got)\n%s", diff)
		}
	})
}

// TestNobodyAsks registries about workloads of whose updates nobody is notified.
func TestNobodyAsks(t *testing.T) {
	onEachEngine(t, func(t *testing.T, r *engineRig) {
		home, _, err := r.store.Source(t.Context(), "home")
		r.must(err)
		home.Types = []notification.Type{notification.TagUpdate}
		r.must(r.store.SaveSource(t.Context(), home, r.clock.Now()))
		before, after := r.push("app:1", "openssl 1"), r.push("app:1", "openssl 2")
		r.registry.Forget()
		for _, runs := range []image.Digest{before, after} {
			r.runsNow(runs)
		}
		if asked := r.asked(); asked > 0 || r.waits() != nil {
			t.Errorf("asked %d times, %+v", asked, r.waits())
		}
	})
}

// asked counts the requests for manifests since it was called last.
func (r *engineRig) asked() int {
	defer r.registry.Forget()
	return r.registry.Count(lab.Call{Method: "GET", Kind: lab.KindManifest})
}

func (r *engineRig) waits() *condition.Problem {
	r.Helper()
	_, state, err := r.store.Source(r.Context(), "home")
	r.must(err)
	return state.Waiting
}

func labImage(r *engineRig, packages string) v1.Image {
	r.Helper()
	built, err := lab.NewImage(lab.Run("install", lab.Text("/packages", packages)))
	r.must(err)
	return built
}

func named(r *engineRig, digest func() (v1.Hash, error)) image.Digest {
	r.Helper()
	hash, err := digest()
	r.must(err)
	return image.Digest(hash.String())
}
