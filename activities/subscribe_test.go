package activities_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/lab"
)

func TestSubscribe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook", notification.TagUpdate)
	r.endpoint("other", notification.PolicyEval)
	digest := r.push("app:1", "openssl 1")
	target := r.target("app:1")
	for range 2 {
		result := r.subscribe(target, notification.VulnUpdate, notification.TagUpdate)
		want := subscription.Result{Types: []notification.Type{notification.TagUpdate, notification.VulnUpdate}, Resolved: image.Resolved{Manifest: digest}, Endpoints: []string{"hook"}}
		if diff := cmp.Diff(want, result); diff != "" {
			t.Errorf("result (-want +got):\n%s", diff)
		}
	}
	if woken := r.watchers.take(); !slices.Contains(woken, "registry") {
		t.Errorf("woken: %v", woken)
	}
}

// TestSubscribeRefuses before anything is stored, and says what is wrong at once.
func TestSubscribeRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request subscription.Request
		fault   lab.Fault
		kind    error
		retried bool
	}{
		{name: "a tag that does not exist", request: subscription.Request{}, kind: errkind.NotFound},
		{name: "a tag that may not be read", fault: lab.Fault{Path: "/manifests/", Status: http.StatusForbidden}, kind: errkind.Unauthorized},
		{name: "a registry that fails", fault: lab.Fault{Path: "/manifests/", Status: http.StatusBadGateway}, kind: errkind.Unavailable, retried: true},
		{name: "a registry that asks to wait for hours", kind: errkind.Unavailable,
			fault: lab.Fault{Path: "/manifests/", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7200"}}}},
		{name: "an interval that is too short", request: subscription.Request{Poll: time.Second}, kind: errkind.Invalid},
		{name: "an endpoint that does not exist", request: subscription.Request{Options: subscription.Options{Endpoints: []string{"nobody"}}}, kind: errkind.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if test.fault.Status != 0 {
				r.registry.Fail(test.fault)
			}
			test.request.Target, test.request.Types = r.target("app:1"), notification.TagTypes
			_, err := try[subscription.Result](r, r.steps.Subscribe, test.request)
			expectFault(t, err, test.kind, test.retried)
			if names := r.subscribed(); len(names) > 0 {
				t.Errorf("subscribed: %v", names)
			}
		})
	}
}

// A tag is watched under one of its names.
func TestSubscribeUnderAnotherName(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	named := func(name string) image.Target {
		target, err := image.ParseTarget(name)
		r.must(err)
		return target
	}
	request := subscription.Request{Target: named("docker.io/library/nginx:1"), Types: notification.TagTypes, Unverified: true}
	for range 2 {
		do[subscription.Result](r, r.steps.Subscribe, request)
	}
	request.Target = named("nginx:1")
	_, err := try[subscription.Result](r, r.steps.Subscribe, request)
	expectFault(t, err, errkind.Invalid, false)
	if !strings.Contains(fmt.Sprint(err), "docker.io/nginx:1 is already subscribed as docker.io/library/nginx:1") {
		t.Errorf("error %v", err)
	}
}

// An image that a digest names is watched for its data, and asked for less often: it
// cannot move.
func TestSubscribeToADigest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	digest := r.push("app:1", "openssl 1")
	r.push("app:1", "openssl 2")
	named := r.target("app@" + string(digest))
	if result := r.subscribe(named, notification.TagTypes...); result.Resolved.Manifest != digest {
		t.Errorf("resolved %+v, want %s", result.Resolved, digest)
	}
	r.registry.Forget()
	for range 3 {
		do[polling.Poll](r, r.steps.PollRegistry, r.registry.Host())
		r.clock.advance(5 * time.Minute)
	}
	if asked := r.registry.Count(lab.Call{Kind: lab.KindManifest}); asked > 1 {
		t.Errorf("%d requests in 15 minutes, want one an hour", asked)
	}
}

func TestSubscribeUnverified(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	target := r.target("app:1")
	do[subscription.Result](r, r.steps.Subscribe, subscription.Request{Target: target, Types: notification.TagTypes, Unverified: true})
	if calls := r.registry.Calls(); len(calls) > 0 {
		t.Errorf("the registry was asked: %v", calls)
	}
	r.push("app:1", "openssl 1")
	r.resync(target)
	r.expect(0, "analysis_update image app:1")
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	target := r.target("app:1")
	r.subscribe(target)
	some := subscription.EndRequest{Target: target, Types: []notification.Type{notification.VulnUpdate, notification.PolicyEval}}
	if left := do[int](r, r.steps.Unsubscribe, some); left != 2 {
		t.Errorf("%d left, want 2", left)
	}
	_, err := try[int](r, r.steps.Unsubscribe, some)
	expectFault(t, err, errkind.NotFound, false)
	if left := do[int](r, r.steps.Unsubscribe, subscription.EndRequest{Target: target}); left != 0 {
		t.Errorf("%d left, want none", left)
	}
}

// TestUnsubscribeOfALostAnswer: what the first run has ended is no error to the
// second.
func TestUnsubscribeOfALostAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	target := r.target("app:1")
	r.subscribe(target)
	left := answerLost[int](r, "Unsubscribe", subscription.EndRequest{Target: target, Types: []notification.Type{notification.VulnUpdate}})
	if left != 3 {
		t.Errorf("%d left, want 3", left)
	}
}

func TestActivatePolicy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.activate("usual", "high")
	if changed := do[bool](r, r.steps.ActivatePolicy, "usual"); changed {
		t.Error("the active bundle becomes active")
	}
	_, err := try[bool](r, r.steps.ActivatePolicy, "unknown")
	expectFault(t, err, errkind.NotFound, false)
}

func TestWake(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	do[any](r, r.steps.WakeTags, []image.Target{r.target("app:1"), r.target("app:2")})
	do[any](r, r.steps.WakeEndpoints, []string{"hook"})
	if diff := cmp.Diff([]string{"subscription app:1", "subscription app:2", "endpoint hook"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	r.watchers.failure = errkind.Unavailable
	_, err := try[any](r, r.steps.WakeTags, []image.Target{r.target("app:1")})
	expectFault(t, err, errkind.Unavailable, true)
}

// TestPrune keeps what a tag points to, however old, and what is still to be
// delivered.
func TestPrune(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	r.push("app:1", "openssl 2")
	r.resync(target)
	r.clock.advance(r.steps.Retention + time.Hour) // what is pending is not given up for so long yet
	if pruned := do[watch.Pruned](r, r.steps.Prune); pruned.Images != 1 || pruned.Notifications != 0 {
		t.Errorf("pruned %+v, want the image that the tag has left", pruned)
	}
	r.deliver()
	if pruned := do[watch.Pruned](r, r.steps.Prune); pruned.Images != 0 || pruned.Notifications != 3 {
		t.Errorf("pruned %+v, want what was delivered", pruned)
	}
	if seen := r.resync(target); seen.Changed {
		t.Errorf("seen %+v", seen)
	}
}

// TestStandstill: what waits is notified after everything stood still for longer than
// it is kept, whatever comes first; what is refused then can be seen for long.
func TestStandstill(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	for _, id := range []string{"taken", "refused"} {
		n, err := notification.Sample(notification.TagUpdate, id, "admin", r.clock.Now())
		r.must(err)
		n.Subject = id
		_, err = r.store.Publish(t.Context(), n, subscription.Options{}, r.steps.Window)
		r.must(err)
	}
	r.clock.advance(r.steps.Retention + r.steps.Window + 24*time.Hour)
	if pruned := do[watch.Pruned](r, r.steps.Prune); pruned != (watch.Pruned{}) {
		t.Errorf("pruned %+v after the standstill", pruned)
	}
	r.receiver.Answer(http.StatusOK, http.StatusBadRequest)
	r.deliver()
	states := func() (states []delivery.State) {
		t.Helper()
		deliveries, err := r.store.Deliveries(t.Context(), store.DeliveryFilter{})
		r.must(err)
		for _, d := range deliveries {
			states = append(states, d.State)
		}
		slices.Sort(states)
		return states
	}
	if got := states(); !slices.Equal(got, []delivery.State{delivery.Delivered, delivery.Failed}) {
		t.Errorf("after the standstill %v, want both tried", got)
	}
	r.clock.advance(r.steps.Retention - time.Hour)
	do[watch.Pruned](r, r.steps.Prune)
	if got := states(); !slices.Equal(got, []delivery.State{delivery.Failed}) {
		t.Errorf("later %v, want what was given up", got)
	}
}
