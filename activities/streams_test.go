package activities_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/adapters/sources"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/lab"
)

// streamRig is a rig with a source that is a cluster, whose stream is followed.
type streamRig struct {
	*rig
	digests map[string]image.Digest
	streams activities.StreamStates
}

// newStreamRig has the images app:1 to app:3. No source is followed.
func newStreamRig(t *testing.T) *streamRig {
	t.Helper()
	r := &streamRig{rig: newRig(t), digests: map[string]image.Digest{}}
	r.endpoint("log", notification.EventLog)
	for _, tag := range []string{"app:1", "app:2", "app:3"} {
		r.digests[tag] = r.push(tag, "openssl 1")
	}
	return r
}

// follow follows what a kubeconfig file leads to.
func (r *streamRig) follow(kubeconfig string) {
	r.Helper()
	folder := r.TempDir()
	file := filepath.Join(folder, "kubeconfig")
	r.must(os.WriteFile(file, []byte(kubeconfig), 0o600))
	r.followSource(source.Kubernetes, file)
}

// followSource follows the source shop, which is at a path.
func (r *streamRig) followSource(kind source.Kind, path string) {
	r.Helper()
	var err error
	r.steps.Sources, err = sources.New(sources.Options{Paths: []string{filepath.Dir(path)}})
	r.must(err)
	r.must(r.store.SaveSource(r.Context(), source.Source{Name: "shop", Kind: kind, Paths: []string{path}, Types: []notification.Type{notification.TagUpdate, notification.VulnUpdate}}, r.clock.Now()))
	ctx, stop := context.WithCancel(r.Context())
	done := make(chan struct{})
	pace := activities.StreamPace{Refresh: time.Second, Delay: 20 * time.Millisecond, Gap: 20 * time.Millisecond, Retry: 20 * time.Millisecond, LongestRetry: 50 * time.Millisecond}
	go func() { r.steps.FollowStreams(ctx, pace, &r.streams); close(done) }()
	r.Cleanup(func() { stop(); <-done })
}

// clusterRig follows a simulated cluster.
type clusterRig struct {
	*streamRig
	cluster *lab.Cluster
}

const (
	deployments = "apis/apps/v1/deployments"
	pods        = "api/v1/pods"
)

// newCluster has the deployments web and api, each with a pod.
func newCluster(t *testing.T) *clusterRig {
	r := &clusterRig{streamRig: newStreamRig(t)}
	var err error
	r.cluster, err = lab.NewCluster()
	r.must(err)
	t.Cleanup(func() { _ = r.cluster.Close() })
	r.deploy("web", "app:1", 1)
	r.deploy("api", "app:3", 1)
	r.follow(r.cluster.Kubeconfig())
	return r
}

// deploy makes a deployment with that many running pods.
func (r *clusterRig) deploy(name, tag string, count int) {
	spec := lab.Object{"containers": []lab.Object{{"name": "main", "image": r.registry.Reference(tag)}}}
	r.cluster.Put(deployments, lab.Object{"metadata": lab.Object{"namespace": "shop", "name": name}, "spec": lab.Object{"template": lab.Object{"spec": spec}}})
	for i := range 3 {
		pod := name + "-" + string(rune('a'+i))
		if i >= count {
			r.cluster.Delete(pods, "shop", pod)
			continue
		}
		r.cluster.Put(pods, lab.Object{"spec": spec,
			"metadata": lab.Object{"namespace": "shop", "name": pod, "ownerReferences": []lab.Object{{"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "uid": deployments + "/shop/" + name, "controller": true}}},
			"status": lab.Object{"phase": "Running", "containerStatuses": []lab.Object{{"name": "main", "state": lab.Object{"running": lab.Object{}},
				"imageID": r.registry.Reference("app") + "@" + string(r.digests[tag])}}}})
	}
}

// woken waits until the source's workflow is woken, and does its round.
func (r *streamRig) woken() source.Listing {
	r.Helper()
	r.await()
	return r.read()
}

func (r *streamRig) await() {
	r.Helper()
	for range 1500 {
		if slices.Contains(r.watchers.take(), "source shop") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.Fatal("the source is not woken")
}

func (r *streamRig) read() source.Listing {
	r.Helper()
	r.clock.advance(time.Minute)
	listing := do[source.Listing](r.rig, r.steps.ReadSource, "shop")
	do[int](r.rig, r.steps.StartSourceWatches, "shop")
	return listing
}

// roundsToSettle are more than any change of a few pods needs.
const roundsToSettle = 50

// settles reads whenever it is woken, until the tags are watched.
func (r *streamRig) settles(what string, tags ...string) {
	r.Helper()
	for range roundsToSettle {
		if slices.Equal(r.subscribed(), tags) {
			return
		}
		r.woken()
		r.read()
	}
	r.Errorf("%s: %v, want %v", what, r.subscribed(), tags)
}

// What runs in a cluster is what is watched: nothing begins or ends because of an outage,
// and nothing is notified.
func TestStreams(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	if got := r.woken(); got.Tags != 2 || got.Problem != nil {
		t.Fatalf("first listing %+v", got)
	}
	r.deploy("web", "app:1", 3)
	if got := r.woken(); got.Tags != 2 || len(got.Added)+len(got.Ended) > 0 {
		t.Errorf("after scaling %+v", got)
	}
	r.deploy("web", "app:2", 2)
	r.settles("another image", "app:2", "app:3")
	r.runs("app:2", 2)

	r.must(r.cluster.Pause())
	r.await()
	for range 3 {
		if got := r.read(); got.Problem == nil || got.Tags != 2 {
			t.Errorf("an API server that is away: %+v", got)
		}
	}
	r.deploy("web", "app:1", 1)
	r.cluster.Restore()
	r.must(r.cluster.Resume())
	r.settles("back, with versions that begin anew", "app:1", "app:3")

	r.cluster.Break()
	r.deploy("new", "app:2", 1)
	r.settles("the streams broke", "app:1", "app:2", "app:3")
	r.cluster.Compact()
	r.cluster.Break()
	r.deploy("new", "app:2", 0)
	r.cluster.Delete(deployments, "shop", "new")
	r.settles("its versions are gone", "app:1", "app:3")

	r.cluster.Forbid("", true)
	if got := r.read(); got.Problem == nil || got.Tags != 2 {
		t.Errorf("a list that is forbidden: %+v", got)
	}
	r.cluster.Forbid("", false)
	r.read()
	r.deploy("web", "app:1", 0)
	r.deploy("api", "app:3", 0)
	r.cluster.Delete(deployments, "shop", "web")
	r.cluster.Delete(deployments, "shop", "api")
	for range 3 {
		if got := r.read(); got.Problem == nil || got.Problem.Stage != condition.StageConfirm || got.Tags != 2 {
			t.Errorf("everything gone at once: %+v", got)
		}
	}
	notified := slices.DeleteFunc(r.notified(), func(line string) bool { return strings.HasPrefix(line, "system.source.") })
	if len(notified) > 0 {
		t.Errorf("notified of %v, want nothing: no tag has moved", notified)
	}
}

// runs reads whenever it is woken, until that many containers of a reference run.
func (r *streamRig) runs(tag string, want int) {
	r.Helper()
	for range roundsToSettle {
		if r.running(tag) == want {
			return
		}
		r.woken()
	}
	r.Errorf("%d containers run %s, want %d", r.running(tag), tag, want)
}

// running is how many containers run the image of a reference.
func (r *streamRig) running(tag string) (n int) {
	r.Helper()
	_, state, err := r.store.Source(r.Context(), "shop")
	r.must(err)
	for _, found := range state.Found {
		if found.Text != r.registry.Reference(tag) {
			continue
		}
		for _, w := range found.Workloads {
			for _, running := range w.Running {
				if running.Digest == r.digests[tag] {
					n += running.Count
				}
			}
		}
	}
	return n
}

// The stream of a source that is removed ends; one with other settings is another.
func TestStreamsFollowSettings(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	r.await()
	r.openStreams(8)
	stored, _, err := r.store.Source(t.Context(), "shop")
	r.must(err)
	stored.Namespaces = []string{"shop", "web"}
	r.must(r.store.SaveSource(t.Context(), stored, r.clock.Now()))
	r.openStreams(16)
	_, err = r.store.DeleteSource(t.Context(), "shop", r.clock.Now())
	r.must(err)
	r.openStreams(0)
}

func (r *clusterRig) openStreams(want int) {
	r.Helper()
	for range 1500 {
		if r.cluster.Streams() == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	r.Errorf("%d streams, want %d", r.cluster.Streams(), want)
}

// A stream that is down shows since when, until it is open again.
func TestStreamStates(t *testing.T) {
	t.Parallel()
	r := newCluster(t)
	became := func(what string, want func([]activities.StreamState) bool) {
		t.Helper()
		for range 1500 {
			if want(r.streams.All()) {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("%s: %+v", what, r.streams.All())
	}
	open := func(states []activities.StreamState) bool { return len(states) == 1 && states[0].Open() }
	began := r.clock.Now()
	became("at first", open)
	if got := r.streams.All()[0]; got.Source != "shop" || got.Event.Before(began) {
		t.Errorf("opened %+v, not before %s", got, began)
	}
	r.clock.advance(time.Hour)
	broke := r.clock.Now()
	r.must(r.cluster.Pause())
	down := func(states []activities.StreamState) bool { return len(states) == 1 && !states[0].Failing.IsZero() }
	became("an API server that is away", down)
	r.clock.advance(time.Hour)
	r.await()
	if got := r.streams.All()[0]; got.Open() || got.Failing.Before(broke) || !got.Failing.Before(broke.Add(time.Hour)) || !got.Event.Before(broke) {
		t.Errorf("down since %+v, want since %s", got, broke)
	}
	r.must(r.cluster.Resume())
	became("back", open)
	if got := r.streams.All()[0]; got.Event.Before(broke.Add(time.Hour)) {
		t.Errorf("open again %+v", got)
	}
	_, err := r.store.DeleteSource(t.Context(), "shop", r.clock.Now())
	r.must(err)
	became("removed", func(states []activities.StreamState) bool { return len(states) == 0 })
}
