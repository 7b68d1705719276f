package activities_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/lab"
)

// watched pushes and subscribes to tags, and lets the first poll see them.
func (r *rig) watched(names ...string) {
	r.Helper()
	for _, name := range names {
		r.push(name, "package-of-"+name+" 1")
		r.subscribe(r.target(name))
	}
	r.poll()
	r.watchers.take()
	r.registry.Forget()
}

func (r *rig) poll() polling.Poll {
	r.Helper()
	return do[polling.Poll](r, r.steps.PollRegistry, r.registry.Host())
}

func TestPollWakesWhatMoved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.watched("app:1", "app:2", "app:3")
	r.clock.advance(time.Hour)
	if polled := r.poll(); polled.Checked != 3 || polled.Moved != 0 || !polled.Active || polled.Tags != 3 {
		t.Errorf("nothing moved: %+v", polled)
	}
	moved := r.push("app:2", "other 1")
	r.must(r.registry.Delete(t.Context(), "app:3"))
	r.clock.advance(time.Hour)
	if polled := r.poll(); polled.Moved != 2 || polled.Problem != nil {
		t.Errorf("two moved: %+v", polled)
	}
	woken := r.watchers.take()
	slices.Sort(woken)
	if diff := cmp.Diff([]string{"poll app:2", "poll app:3"}, woken); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	do[watch.Recorded](r, r.steps.Record, watch.RecordRequest{Target: r.target("app:2"), Resolved: image.Resolved{Manifest: moved}})
	r.clock.advance(time.Hour)
	if polled := r.poll(); polled.Moved != 0 {
		t.Errorf("notified again: %+v", polled)
	}
	heads, all := r.registry.Count(lab.Call{Method: http.MethodHead}), len(r.registry.Calls())
	gone, pings := r.registry.Count(lab.Call{Method: http.MethodGet, Reference: "3"}), r.registry.Count(lab.Call{Kind: lab.KindPing})
	if heads+gone+pings != all || gone != 1 || pings > 1 {
		t.Errorf("%d of %d requests are HEAD, %d confirm that a tag is gone and %d that its registry is there", heads, all, gone, pings)
	}
}

func TestPollChecksOnlyAtWhatIsDue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.watched("app:1")
	if polled := r.poll(); polled.Checked != 0 || polled.Wait <= 0 || polled.Wait > 5*time.Minute {
		t.Errorf("polled %+v, want a wait within five minutes", polled)
	}
	r.unsubscribe(r.target("app:1"))
	if polled := r.poll(); polled.Active {
		t.Errorf("active without any tag: %+v", polled)
	}
}

// TestRegistryThatFails: nothing is concluded about its tags, and it is left
// alone for a while.
func TestRegistryThatFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		fault    lab.Fault
		requests int // at most
		wait     time.Duration
	}{
		{"errors", lab.Fault{Path: "/manifests/", Status: http.StatusInternalServerError}, 16, 30 * time.Second},
		{"asks to wait", lab.Fault{Path: "/manifests/", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"600"}}}, 8, 9 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var names []string
			for n := range 30 {
				names = append(names, fmt.Sprintf("app:%d", n))
			}
			r.watched(names...)
			r.registry.Fail(test.fault)
			r.clock.advance(time.Hour)
			polled := r.poll()
			if polled.Problem == nil || polled.Problem.Kind != errkind.Name(errkind.Unavailable) || polled.Wait < test.wait || !polled.Active {
				t.Errorf("polled %+v", polled)
			}
			if asked := r.registry.Count(lab.Call{Kind: lab.KindManifest}); asked > test.requests {
				t.Errorf("%d requests to a registry that fails", asked)
			}
			if woken := r.watchers.take(); len(woken) > 0 {
				t.Errorf("woken: %v", woken)
			}
			r.registry.Heal()
		})
	}
}

// TestRegistryComesBack: what moved while it was out of reach is noticed.
func TestRegistryComesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.watched("app:1", "app:2")
	r.must(r.registry.Pause())
	r.clock.advance(time.Hour)
	r.poll()
	r.push("app:2", "other 1")
	r.must(r.registry.Resume())
	r.clock.advance(time.Hour)
	if polled := r.poll(); polled.Problem != nil || polled.Moved != 1 || polled.Checked != 2 {
		t.Errorf("polled %+v", polled)
	}
}

// TestOneBrokenTag, of whatever kind, keeps no other from its turn.
func TestOneBrokenTag(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusInternalServerError, http.StatusBadRequest, http.StatusForbidden} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var names []string
			for n := range 40 {
				names = append(names, fmt.Sprintf("app:%02d", n))
			}
			r.watched(names...)
			r.registry.Fail(lab.Fault{Path: "/manifests/00", Status: status})
			r.push("app:39", "other 1")
			r.clock.advance(time.Hour)
			if polled := r.poll(); polled.Problem != nil || polled.Checked < 39 {
				t.Errorf("polled %+v", polled)
			}
			if woken := r.watchers.take(); !slices.Contains(woken, "poll app:39") {
				t.Errorf("woken: %v", woken)
			}
			if polled := r.poll(); polled.Checked != 0 {
				t.Errorf("asked again at once: %+v", polled)
			}
		})
	}
}

// TestPollInterrupted: a poll that could not wake a watcher wakes it the next
// time.
func TestPollInterrupted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.watched("app:1")
	r.push("app:1", "other 1")
	r.clock.advance(time.Hour)
	r.watchers.failure = errkind.Unavailable
	_, err := try[polling.Poll](r, r.steps.PollRegistry, r.registry.Host())
	expectFault(t, err, errkind.Unavailable, true)
	r.watchers.failure = nil
	if polled := r.poll(); polled.Moved != 1 {
		t.Errorf("polled %+v", polled)
	}
}

// TestOneBrokenTagAlone: a tag that is due by itself does not speak for its
// registry, unless it is the only one.
func TestOneBrokenTagAlone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		fault   lab.Fault
		tags    []string
		problem bool
	}{
		{"the tag", lab.Fault{Path: "/manifests/1", Status: http.StatusInternalServerError}, []string{"app:1", "app:2", "app:3"}, false},
		{"the tag, and the next is gone", lab.Fault{Path: "/manifests/1", Status: http.StatusInternalServerError}, []string{"app:1", "app:2"}, false},
		{"all tags", lab.Fault{Path: "/manifests/", Status: http.StatusInternalServerError}, []string{"app:1", "app:2", "app:3"}, true},
		{"the only tag", lab.Fault{Path: "/manifests/1", Status: http.StatusInternalServerError}, []string{"app:1"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.watched(test.tags...)
			for n, tag := range test.tags {
				poll := 24 * time.Hour
				if n == 0 {
					poll = time.Minute
				}
				r.subscribeTo(subscription.Request{Targets: []image.Target{r.target(tag)}, Types: notification.TagTypes, Poll: poll})
			}
			r.clock.advance(6 * time.Minute) // the others are due in a day from then on
			r.poll()
			if strings.Contains(test.name, "gone") {
				r.must(r.registry.Delete(t.Context(), "app:2"))
			}
			r.registry.Fail(test.fault)
			r.clock.advance(2 * time.Minute)
			if polled := r.poll(); (polled.Problem != nil) != test.problem || polled.Failed != 1 || polled.Checked != 0 {
				t.Errorf("polled %+v, problem %+v", polled, polled.Problem)
			}
		})
	}
}

// TestPollsOnAGrid: tags are due together, a few times within their interval,
// each once in it.
func TestPollsOnAGrid(t *testing.T) {
	t.Parallel()
	const tags, intervals = 60, 3
	r := newRig(t)
	var names []string
	for n := range tags {
		names = append(names, fmt.Sprintf("app:%d", n))
	}
	r.watched(names...)
	polls, begun := 0, r.clock.Now()
	for r.clock.Now().Before(begun.Add(intervals * 5 * time.Minute)) {
		polled := r.poll()
		if polled.Wait < polled.Pause || polled.Wait <= 0 {
			t.Fatalf("polled %+v: the next one is too soon", polled)
		}
		polls++
		r.clock.advance(polled.Wait)
	}
	if most := intervals*20 + 1; polls > most {
		t.Errorf("%d polls, at most %d wanted", polls, most)
	}
	if heads := r.registry.Count(lab.Call{Method: http.MethodHead}); heads < (intervals-1)*tags || heads > intervals*tags {
		t.Errorf("%d requests for %d tags in %d intervals", heads, tags, intervals)
	}
}

// TestPollEndsInTime, however slowly the registry lets it ask. Nothing is said
// against the registry, and those that had no turn are due at once.
func TestPollEndsInTime(t *testing.T) {
	t.Parallel()
	const tags = 30
	r := newRig(t)
	var names []string
	for n := range tags {
		names = append(names, fmt.Sprintf("app:%d", n))
	}
	r.watched(names...)
	slow, err := registry.New(registry.Options{RequestsPerSecond: 4})
	r.must(err)
	r.steps.Registry, r.steps.PollTime = slow, time.Second
	r.clock.advance(time.Hour)
	checked := 0
	for polls := 1; ; polls++ {
		polled := r.poll()
		if checked += polled.Checked; polled.Problem != nil || polled.Failed > 0 || polled.Checked == 0 {
			t.Fatalf("polled %+v", polled)
		}
		if polled.Wait > 0 {
			if polls == 1 || checked != tags {
				t.Errorf("%d polls checked %d tags, want several and %d", polls, checked, tags)
			}
			return
		}
		if polled.Pause > 0 {
			t.Fatalf("tags are due, and the next poll waits: %+v", polled)
		}
	}
}

// TestPollSaysWhenItChecked: a tag's last check is the last that was answered, its
// next one the next poll.
func TestPollSaysWhenItChecked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.watched("app:1")
	r.clock.advance(time.Hour)
	r.poll()
	answered := r.clock.Now()
	expect := func(when string) {
		t.Helper()
		known, err := r.store.Summary(t.Context(), r.target("app:1"))
		r.must(err)
		if !known.Checked.Equal(answered) || known.Interval != 5*time.Minute || !known.NextCheck.After(r.clock.Now()) || known.NextCheck.After(r.clock.Now().Add(5*time.Minute)) {
			t.Errorf("%s: checked %s, every %s, next %s; want %s and within 5m", when, known.Checked, known.Interval, known.NextCheck, answered)
		}
	}
	expect("answered")
	r.registry.Fail(lab.Fault{Path: "/manifests/", Status: http.StatusInternalServerError})
	r.clock.advance(time.Hour)
	r.poll()
	expect("not answered")
}
