package workflows_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/testsuite"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

// updated is what came of an update.
type updated struct {
	accepted bool
	result   any
	err      error
}

func update(env *testsuite.TestWorkflowEnvironment, name string, argument any) *updated {
	u := &updated{}
	env.UpdateWorkflow(name, "", &testsuite.TestUpdateCallback{
		OnAccept:   func() { u.accepted = true },
		OnReject:   func(err error) { u.err = err },
		OnComplete: func(result any, err error) { u.result, u.err = result, err },
	}, argument)
	return u
}

func TestWatchTagSubscribe(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	request := subscription.Request{Target: target, Types: []notification.Type{notification.TagUpdate, notification.VulnUpdate}}
	var answer, ended *updated
	outside.left = 1
	outside.observe = func(pass int) (watch.Observation, error) { return steady(first), nil }
	env.RegisterDelayedCallback(func() { answer = update(env, workflows.UpdateSubscribe, request) }, 10*time.Minute)
	env.RegisterDelayedCallback(func() {
		if diff := cmp.Diff(request.Types, status(t, env).Types); diff != "" {
			t.Errorf("subscribed types (-want +got)\n%s", diff)
		}
		ended = update(env, workflows.UpdateUnsubscribe, subscription.EndRequest{Target: target, Types: []notification.Type{notification.TagUpdate}})
	}, 20*time.Minute)
	env.RegisterDelayedCallback(func() {
		if diff := cmp.Diff([]notification.Type{notification.VulnUpdate}, status(t, env).Types); diff != "" {
			t.Errorf("types left (-want +got)\n%s", diff)
		}
		env.CancelWorkflow()
	}, 30*time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	want := subscription.Result{Types: request.Types, Endpoints: []string{"chat"}}
	if diff := cmp.Diff(any(want), answer.result); diff != "" || answer.err != nil {
		t.Errorf("answer %v (-want +got)\n%s", answer.err, diff)
	}
	if ended.result != 1 {
		t.Errorf("%v subscriptions are left, want 1", ended.result)
	}
	if want := []time.Duration{10 * time.Minute, 10 * time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v: each change is checked", outside.waits(), want)
	}
}

func TestWatchTagRefusesSubscriptions(t *testing.T) {
	t.Parallel()
	other := image.Target{Reference: repository.Reference("other")}
	gone := permanentError(errkind.NotFound, "tag latest is not in the registry")
	tests := []struct {
		name     string
		request  subscription.Request
		refuse   error
		accepted bool
		kind     error
		text     string
	}{
		{"another tag", subscription.Request{Target: other, Types: notification.TagTypes}, nil, false, errkind.Invalid, "follows registry.example.com/team/app:latest, not registry.example.com/team/app:other"},
		{"no type", subscription.Request{Target: target}, nil, false, errkind.Invalid, "no notification type"},
		{"a tag that does not exist", subscription.Request{Target: target, Types: notification.TagTypes}, gone, true, errkind.NotFound, "tag latest is not in the registry"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.refuse = test.refuse
			outside.observe = func(int) (watch.Observation, error) { return forgotten() }
			var answer *updated
			env.RegisterDelayedCallback(func() { answer = update(env, workflows.UpdateSubscribe, test.request) }, 0)
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			finished(t, env)
			err := workflows.Restore(answer.err)
			if answer.accepted != test.accepted || !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("accepted: %v; %v; want %v: %s", answer.accepted, err, test.kind, test.text)
			}
			if len(outside.subscribed) != 0 {
				t.Error("a refused subscription is stored")
			}
		})
	}
}

// An update through another tag's watcher is refused before anything is stored.
func TestWatchTagRefusesToEndSubscriptions(t *testing.T) {
	t.Parallel()
	other := image.Target{Reference: repository.Reference("other")}
	arm := target
	arm.Platform = image.Platform{OS: "linux", Architecture: "arm64"}
	for _, test := range []struct {
		name    string
		request subscription.EndRequest
		text    string
	}{
		{"another tag", subscription.EndRequest{Target: other}, "follows registry.example.com/team/app:latest, not registry.example.com/team/app:other"},
		{"another platform", subscription.EndRequest{Target: arm}, "not registry.example.com/team/app:latest@linux/arm64"},
		{"no tag", subscription.EndRequest{}, "follows registry.example.com/team/app:latest"},
		{"no type of tags", subscription.EndRequest{Target: target, Types: []notification.Type{notification.RepoUpdate}}, "not a notification type of tags"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.observe = func(int) (watch.Observation, error) { return forgotten() }
			var answer *updated
			env.RegisterDelayedCallback(func() { answer = update(env, workflows.UpdateUnsubscribe, test.request) }, 0)
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			finished(t, env)
			if err := workflows.Restore(answer.err); answer.accepted || !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("accepted: %v; %v; want %s", answer.accepted, err, test.text)
			}
		})
	}
}

func TestWatchTagEndsWithItsLastSubscription(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	subscribed := true
	outside.observe = func(int) (watch.Observation, error) {
		seen := steady(first)
		seen.Active = subscribed
		return seen, nil
	}
	env.RegisterDelayedCallback(func() {
		subscribed = false
		update(env, workflows.UpdateUnsubscribe, subscription.EndRequest{Target: target})
	}, 10*time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if want := []time.Duration{10 * time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// The first subscription starts the watcher, whose first resync sees it. Neither a
// second pass nor a second request to the registry is spent on it.
func TestWatchTagStartsWithASubscription(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass > 1 || len(outside.subscribed) == 0 {
			return forgotten()
		}
		return steady(first), nil
	}
	env.RegisterDelayedCallback(func() {
		update(env, workflows.UpdateSubscribe, subscription.Request{Target: target, Types: notification.TagTypes})
	}, 0)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if want := []time.Duration{time.Hour}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// A watcher may see that nobody is subscribed while somebody subscribes. It must
// not end then.
func TestWatchTagDoesNotEndWhileSubscribing(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	checked := make(chan struct{})
	outside.storing = func() { <-checked }
	var answer *updated
	outside.observe = func(pass int) (watch.Observation, error) {
		switch pass {
		case 1:
			defer close(checked)
			answer = update(env, workflows.UpdateSubscribe, subscription.Request{Target: target, Types: notification.TagTypes})
			return forgotten()
		case 2:
			if len(outside.subscribed) == 0 {
				return watch.Observation{}, permanentError(errkind.Conflict, "checked before the subscription was stored")
			}
			return steady(first), nil
		}
		return forgotten()
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if answer.err != nil || len(outside.passes) != 3 {
		t.Errorf("answer %v, %d passes, want 3", answer.err, len(outside.passes))
	}
}
