package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// Tags whose registry does not answer are tried again, the others not. The answer has
// the order of the request.
func TestSubscribe(t *testing.T) {
	t.Parallel()
	tag := func(name string) image.Target { return image.Target{Reference: repository.Reference(name)} }
	gone := &condition.Problem{Kind: errkind.Name(errkind.NotFound), Message: "tag gone does not exist"}
	down := &condition.Problem{Kind: errkind.Name(errkind.Unavailable), Message: "no answer"}
	targets := []image.Target{tag("late"), tag("there"), tag("gone"), tag("down")}
	env, outside := newWorld(t)
	outside.refuse = func(target image.Target) *condition.Problem {
		switch {
		case target == tag("gone"):
			return gone
		case target == tag("down"), target == tag("late") && len(outside.subscribed) == 1:
			return down
		}
		return nil
	}
	env.ExecuteWorkflow(workflows.Subscribe, subscription.Request{Targets: targets, Types: notification.TagTypes, Poll: time.Minute})
	finished(t, env)
	var done []subscription.Result
	if err := env.GetWorkflowResult(&done); err != nil {
		t.Fatal(err)
	}
	want := []subscription.Result{{Target: targets[0], Types: notification.TagTypes}, {Target: targets[1], Types: notification.TagTypes},
		{Target: targets[2], Types: notification.TagTypes, Refused: gone}, {Target: targets[3], Types: notification.TagTypes, Refused: down}}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("answer (-want +got)\n%s", diff)
	}
	var asked [][]image.Target
	for _, request := range outside.subscribed {
		asked = append(asked, request.Targets)
		if request.Poll != time.Minute {
			t.Errorf("asked again with other options: %+v", request)
		}
	}
	if diff := cmp.Diff([][]image.Target{targets, {tag("late"), tag("down")}, {tag("down")}}, asked); diff != "" {
		t.Errorf("asked for (-want +got)\n%s", diff)
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
		env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeSubscription})
	}, 10*time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if want := []time.Duration{10 * time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// A watcher that has nothing to do but to show what was recorded rests.
func TestWatchTagBeginsWithAFirstRecord(t *testing.T) {
	t.Parallel()
	begun := workflows.TagState{Target: target, Rest: 50 * time.Minute, Types: []notification.Type{notification.TagUpdate},
		Summary: watch.Summary{Target: target, Resolved: image.Resolved{Manifest: first}, Analyzed: first, Matched: true, Status: "pass"}}
	for _, test := range []struct {
		name  string
		woken time.Duration
		due   time.Duration // of a time-dependent rule
		want  time.Duration // until the first check
	}{
		{"rests", 0, 0, 50 * time.Minute},
		{"woken", 10 * time.Minute, 0, 10 * time.Minute},
		{"a rule is due", 0, 20 * time.Minute, 20*time.Minute + time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			state, began := begun, env.Now()
			if test.due > 0 {
				state.Summary.Next = began.Add(test.due)
			}
			outside.observe = func(int) (watch.Observation, error) { return forgotten() }
			if test.woken > 0 {
				env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeSubscription}) }, test.woken)
			}
			env.RegisterDelayedCallback(func() {
				if known := status(t, env); known.Summary.Status != "pass" || !slices.Equal(known.Types, begun.Types) || known.NextResync.IsZero() {
					t.Errorf("status %+v", known)
				}
			}, time.Minute)
			env.ExecuteWorkflow(workflows.WatchTag, state)
			finished(t, env)
			if len(outside.passes) != 1 || outside.passes[0].Sub(began).Truncate(time.Second) != test.want {
				t.Errorf("checks %v, begun %v; want one after %v", outside.passes, began, test.want)
			}
		})
	}
}
