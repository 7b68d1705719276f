package activities_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestSubscribe(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook", notification.TagUpdate)
	r.endpoint("other", notification.PolicyEval)
	digest := r.push("app:1", "openssl 1")
	target := r.target("app:1")
	for _, already := range []bool{false, true} {
		result := r.subscribe(target, notification.VulnUpdate, notification.TagUpdate)
		want := subscription.Result{Target: target, Already: already, Types: []notification.Type{notification.TagUpdate, notification.VulnUpdate},
			Resolved: image.Resolved{Manifest: digest}, Endpoints: []string{"hook"}}
		if diff := cmp.Diff(want, result); diff != "" {
			t.Errorf("result (-want +got):\n%s", diff)
		}
		woken := "start app:1"
		if already {
			woken = "subscription app:1"
		}
		if diff := cmp.Diff([]string{woken, "registry"}, r.watchers.take()); diff != "" {
			t.Errorf("woken (-want +got):\n%s", diff)
		}
	}
}

// TestSubscribeWithADockerfile: one that comes, changes or goes is evaluated, although
// neither the image nor the bundle changed.
func TestSubscribeWithADockerfile(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.activateRule(`"gate": "dockerfile", "trigger": "instruction", "params": [{"name": "instruction", "value": "MAINTAINER"}, {"name": "check", "value": "exists"}]`)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	ask := func(types []notification.Type, text string) func() {
		return func() {
			r.subscribeTo(subscription.Request{Targets: []image.Target{target}, Types: types, Options: subscription.Options{Dockerfile: text}})
		}
	}
	for _, step := range []struct {
		name   string
		change func()
		want   policy.Status
	}{
		{"it comes", ask(notification.TagTypes, "FROM a\nMAINTAINER b"), policy.Fail},
		{"it changes", ask(notification.TagTypes, "FROM a"), policy.Pass},
		{"it comes with one type", ask([]notification.Type{notification.VulnUpdate}, "FROM a\nMAINTAINER b"), policy.Fail},
		{"the type goes", func() {
			_, err := r.store.Unsubscribe(t.Context(), target, []notification.Type{notification.VulnUpdate}, r.clock.Now())
			r.must(err)
		}, policy.Pass},
		{"it comes again", ask(notification.TagTypes, "FROM a\nMAINTAINER b"), policy.Fail},
		{"it goes", ask(notification.TagTypes, ""), policy.Pass},
	} {
		r.clock.advance(time.Minute)
		step.change()
		r.resync(target)
		view, err := r.store.View(t.Context(), target)
		r.must(err)
		if view.State.Evaluation.Status != step.want {
			t.Errorf("%s: %s, want %s", step.name, view.State.Evaluation.Status, step.want)
		}
	}
}

// A record that was made from another Dockerfile is made again.
func TestSubscribeWithADockerfileDuringARecord(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.activateRule(`"gate": "dockerfile", "trigger": "instruction", "params": [{"name": "instruction", "value": "MAINTAINER"}, {"name": "check", "value": "exists"}]`)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	view, err := r.store.View(t.Context(), target)
	r.must(err)
	r.subscribeTo(subscription.Request{Targets: []image.Target{target}, Types: notification.TagTypes, Options: subscription.Options{Dockerfile: "MAINTAINER b"}})
	now, err := r.store.View(t.Context(), target)
	r.must(err)
	if now.Like(view) {
		t.Error("an outcome without the Dockerfile is taken for one with it")
	}
}

// TestSubscribeRefuses a request as a whole before anything is stored.
func TestSubscribeRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request subscription.Request
		types   []notification.Type
		kind    error
	}{
		{"an interval that is too short", subscription.Request{Poll: time.Second}, notification.TagTypes, errkind.Invalid},
		{"an endpoint that does not exist", subscription.Request{Options: subscription.Options{Endpoints: []string{"nobody"}}}, notification.TagTypes, errkind.NotFound},
		{"a Dockerfile that is too large", subscription.Request{Options: subscription.Options{Dockerfile: strings.Repeat("#", 1<<17)}}, notification.TagTypes, errkind.Limit},
		{"no type", subscription.Request{}, nil, errkind.Invalid},
		{"no type of tags", subscription.Request{}, []notification.Type{notification.RepoUpdate}, errkind.Invalid},
		{"too many tags", subscription.Request{Targets: make([]image.Target, subscription.MostTargets)}, notification.TagTypes, errkind.Invalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.push("app:1", "openssl 1")
			test.request.Targets, test.request.Types = append(test.request.Targets, r.target("app:1")), test.types
			_, err := try[[]subscription.Result](r, r.steps.Subscribe, test.request)
			expectFault(t, err, test.kind, false)
			if names := r.subscribed(); len(names) > 0 {
				t.Errorf("subscribed: %v", names)
			}
		})
	}
}

// TestSubscribeRefusesTags one by one: the others of the page are stored.
func TestSubscribeRefusesTags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault lab.Fault
		kind  error
		all   bool // tags of the registry
	}{
		{"a tag that does not exist", lab.Fault{}, errkind.NotFound, false},
		{"a tag that may not be read", lab.Fault{Path: "/app/manifests/2", Status: http.StatusForbidden}, errkind.Unauthorized, false},
		{"a registry that fails", lab.Fault{Path: "/app/manifests/2", Status: http.StatusBadGateway}, errkind.Unavailable, false},
		{"a registry that asks to wait for hours", lab.Fault{Path: "/manifests/", Status: http.StatusTooManyRequests,
			Header: http.Header{"Retry-After": {"7200"}}}, errkind.Unavailable, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.push("app:1", "openssl 1")
			r.push("app:3", "openssl 1")
			if test.fault.Status != 0 {
				r.push("app:2", "openssl 1")
				r.registry.Fail(test.fault)
			}
			targets := []image.Target{r.target("app:1"), r.target("app:3"), r.target("app:2")}
			done := do[[]subscription.Result](r, r.steps.Subscribe, subscription.Request{Targets: targets, Types: notification.TagTypes})
			if len(done) != 3 || (done[0].Refused != nil) != test.all || done[2].Target != targets[2] {
				t.Fatalf("subscribed: %+v", done)
			}
			if refused := done[2].Refused; refused == nil || refused.Kind != errkind.Name(test.kind) || !errors.Is(workflows.ErrorOf(refused), test.kind) {
				t.Errorf("refused: %+v, want kind %s", refused, errkind.Name(test.kind))
			}
			if names := r.subscribed(); slices.Contains(names, "app:2") || slices.Contains(names, "app:1") == test.all {
				t.Errorf("subscribed: %v", names)
			}
			if woken := r.watchers.take(); slices.Contains(woken, "start app:2") {
				t.Errorf("a watcher was started for a tag that was refused: %v", woken)
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
	request := subscription.Request{Targets: []image.Target{named("docker.io/library/nginx:1")}, Types: notification.TagTypes, Unverified: true}
	for range 2 {
		r.subscribeTo(request)
	}
	request.Targets = []image.Target{named("nginx:1"), named("redis:1")}
	answers := do[[]subscription.Result](r, r.steps.Subscribe, request)
	if refused := answers[0].Refused; refused == nil || refused.Kind != errkind.Name(errkind.Invalid) ||
		!strings.Contains(refused.Message, "docker.io/nginx:1 is already subscribed as docker.io/library/nginx:1") || answers[1].Refused != nil {
		t.Errorf("answers %+v", answers)
	}
	request.Targets = []image.Target{named("docker.io/library/alpine:3"), named("alpine:3"), named("docker.io/library/alpine:3")}
	answers = do[[]subscription.Result](r, r.steps.Subscribe, request)
	if refused := answers[1].Refused; refused == nil || !strings.Contains(refused.Message, "docker.io/alpine:3 is already subscribed as docker.io/library/alpine:3") ||
		answers[0].Refused != nil || answers[2].Refused != nil {
		t.Errorf("two names in one page: answers %+v", answers)
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
	for range 24 {
		do[polling.Poll](r, r.steps.PollRegistry, r.registry.Host())
		r.clock.advance(5 * time.Minute)
	}
	if asked := r.registry.Count(lab.Call{Kind: lab.KindManifest}); asked < 2 || asked > 3 { // at once, and at a point of each hour
		t.Errorf("%d requests in two hours, want one at once and one an hour", asked)
	}
}

func TestSubscribeUnverified(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	target := r.target("app:1")
	r.subscribeTo(subscription.Request{Targets: []image.Target{target}, Types: notification.TagTypes, Unverified: true})
	if calls := r.registry.Calls(); len(calls) > 0 {
		t.Errorf("unexpected requests to the registry: %v", calls)
	}
	r.push("app:1", "openssl 1")
	r.resync(target)
	r.expect(0, "analysis_update image app:1")
}

// subjects counts the reads of all that is known of an image.
type subjects struct {
	activities.Store
	read atomic.Int64
}

func (s *subjects) Subject(ctx context.Context, target image.Target, digest image.Digest) (*policy.Input, error) {
	s.read.Add(1)
	return s.Store.Subject(ctx, target, digest)
}

// TestSubscribeAssessesOnce reads an image once for all new tags that a bundle takes for
// the same; each has the outcome of its own mapping, in a document with its own name.
func TestSubscribeAssessesOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-1", vuln.High))
	r.data(1)
	r.mapTo("mapped", mapped("strict", "high"), mapped("accepted", "high"), mapped("*", "critical"))
	r.push("known:1", "openssl 1")
	r.settled("known:1")
	r.accept(acceptance.Acceptance{Vulnerability: "CVE-2026-1", Until: r.clock.Now().Add(24 * time.Hour), Subject: r.target("known:1").Reference.Repository.String()})
	r.accept(acceptance.Acceptance{Vulnerability: "CVE-2026-1", Until: r.clock.Now().Add(24 * time.Hour), Subject: r.target("accepted:1").Reference.Repository.String()})
	var targets []image.Target
	for n := range 10 {
		for _, repository := range []string{"strict", "loose", "accepted"} {
			tag := fmt.Sprintf("%s:%d", repository, n)
			r.push(tag, "openssl 1")
			targets = append(targets, r.target(tag))
		}
	}
	counting := &subjects{Store: r.steps.Store}
	r.steps.Store = counting
	do[[]subscription.Result](r, r.steps.Subscribe, subscription.Request{Targets: targets, Types: notification.TagTypes})
	if read := counting.read.Load(); read != 3 {
		t.Errorf("the image is read %d times, want once for each mapping and acceptance", read)
	}
	for n, want := range map[string]policy.Status{"strict:3": policy.Fail, "loose:3": policy.Pass, "accepted:3": policy.Pass} {
		view, err := r.store.View(t.Context(), r.target(n))
		r.must(err)
		got := view.State.Evaluation
		if got == nil || got.Status != want || !strings.Contains(string(got.Document), r.target(n).Reference.String()) {
			t.Errorf("%s: not %s under its name: %+v", n, want, got)
		}
		if r.watchers.firsts[n].Rest == 0 {
			t.Errorf("%s is left to its watcher", n)
		}
	}
}

// A rule that time alone changes is due before the first resync would be.
func TestSubscribeRestsUntilARuleIsDue(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-1", vuln.High))
	r.data(1)
	r.activateDocument("waived", fmt.Sprintf(`{"id": "waived", "version": "1_0", "name": "waived",
		"policies": [{"id": "p", "version": "1_0", "rules": [{"id": "r", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
			{"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": "high"}]}]}],
		"whitelists": [{"id": "w", "version": "1_0", "items": [{"id": "i", "gate": "vulnerabilities", "trigger_id": "*", "expires_on": %q}]}],
		"mappings": [{"id": "m", "registry": "*", "repository": "*", "image": {"type": "tag", "value": "*"}, "policy_ids": ["p"], "whitelist_ids": ["w"]}]}`,
		r.clock.Now().Add(10*time.Minute).UTC().Format(time.RFC3339)))
	r.push("app:1", "openssl 1")
	r.settled("app:1")
	r.push("app:2", "openssl 1")
	r.subscribe(r.target("app:2"))
	first := r.watchers.firsts["app:2"]
	next := first.Recorded.Summary.Next
	if next.IsZero() || first.Rest != next.Sub(r.clock.Now())+time.Second {
		t.Errorf("due at %s, now %s: rests %s", next, r.clock.Now(), first.Rest)
	}
}

// TestSubscribeKnownImages makes the first resync of tags whose image is known, with
// the same outcome as that of a watcher, and tells the watcher.
func TestSubscribeKnownImages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	r.activate("usual", "high")
	r.push("app:1", "openssl 1")
	first := r.settled("app:1")
	digest := r.push("app:2", "openssl 1") // the same image
	r.push("app:3", "zlib 1")
	mark := len(r.notified())
	r.watchers.take()
	targets := []image.Target{r.target("app:2"), r.target("app:3")}
	do[[]subscription.Result](r, r.steps.Subscribe, subscription.Request{Targets: targets, Types: notification.TagTypes})
	r.expect(mark, "analysis_update image app:2")
	if woken := r.watchers.take(); !slices.Contains(woken, "start app:2") || !slices.Contains(woken, "start app:3") || !slices.Contains(woken, "endpoint hook") {
		t.Errorf("woken: %v", woken)
	}
	began := r.watchers.firsts["app:2"]
	if began.Recorded.Summary.Analyzed != digest || began.Rest <= 0 || !slices.Equal(began.Types, slices.Sorted(slices.Values(notification.TagTypes))) {
		t.Errorf("the watcher begins with %+v", began)
	}
	if other := r.watchers.firsts["app:3"]; other.Recorded.Summary.Pending.IsZero() || other.Rest != 0 {
		t.Errorf("the watcher of an unknown image begins with %+v", other)
	}
	before, err := r.store.View(t.Context(), first)
	r.must(err)
	after, err := r.store.View(t.Context(), targets[0])
	r.must(err)
	if diff := cmp.Diff(before.State.Vulnerabilities, after.State.Vulnerabilities); diff != "" || after.State.Counts.High != 1 {
		t.Errorf("vulnerabilities (-of a watcher +of the subscription):\n%s", diff)
	}
	if a, b := before.State.Evaluation, after.State.Evaluation; b == nil || a.Status != b.Status || a.FinalAction != b.FinalAction || a.Bundle != b.Bundle {
		t.Errorf("evaluations %+v and %+v", a, b)
	}
	if diff := cmp.Diff(before.State.Basis, after.State.Basis); diff != "" {
		t.Errorf("basis (-of a watcher +of the subscription):\n%s", diff)
	}
	if seen := do[watch.Observation](r, r.steps.Observe, targets[0]); seen.Changed {
		t.Errorf("the recorded outcome counts as out of date: %+v", seen)
	}
}

// TestSubscribeIsKilled: a repeated request, and Reconcile, start the watchers of
// subscriptions whose worker was killed after they were stored.
func TestSubscribeIsKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	request := subscription.Request{Targets: []image.Target{r.target("app:1")}, Types: notification.TagTypes}
	r.watchers.failure = errKilled
	if _, err := try[[]subscription.Result](r, r.steps.Subscribe, request); err == nil {
		t.Fatal("the worker was not killed")
	}
	if names := r.subscribed(); !slices.Equal(names, []string{"app:1"}) {
		t.Fatalf("subscribed: %v", names)
	}
	r.watchers.failure = nil
	if compared := r.compare(watcher.Tag, true); compared.Missing != 1 {
		t.Errorf("compared: %+v", compared)
	}
	if result := r.subscribeTo(request); result.Already {
		t.Error("a tag whose watcher was never started was watched before")
	}
	if diff := cmp.Diff([]string{"start app:1", "registry"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
}

// TestSubscribeAgain: a request that changes a watched tag says what, and one that repeats it
// does not.
func TestSubscribeAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	request := subscription.Request{Targets: []image.Target{r.target("app:1")}, Types: notification.TagTypes, Options: subscription.Options{MinSeverity: "High"}}
	if result := r.subscribeTo(request); result.Replaced != nil {
		t.Errorf("a new tag replaces %v", result.Replaced)
	}
	if result := r.subscribeTo(request); !result.Already || result.Replaced != nil {
		t.Errorf("repeated, it replaces %v", result.Replaced)
	}
	request.Options = subscription.Options{}
	if diff := cmp.Diff([]subscription.Replacement{{Option: "min_severity", Before: "High"}}, r.subscribeTo(request).Replaced); diff != "" {
		t.Errorf("replaced (-want +got)\n%s", diff)
	}
}

func TestActivatePolicy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.activate("usual", "high")
	if changed := do[bool](r, r.steps.ActivatePolicy, policy.Activation{Bundle: "usual"}); changed {
		t.Error("the active bundle becomes active")
	}
	_, err := try[bool](r, r.steps.ActivatePolicy, policy.Activation{Bundle: "unknown"})
	expectFault(t, err, errkind.NotFound, false)
}

func TestWake(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	do[any](r, r.steps.WakeTags, []image.Target{r.target("app:1"), r.target("app:2")})
	do[any](r, r.steps.WakeEndpoints, []string{"hook"})
	if diff := cmp.Diff([]string{"endpoint hook", "subscription app:1", "subscription app:2"}, slices.Sorted(slices.Values(r.watchers.take()))); diff != "" {
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
