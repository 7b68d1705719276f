package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// turnsOf are what was noted of failing steps: true for failing, repetitions once.
func turnsOf(f *fake, kind condition.Resource, name string) (turns []bool) {
	for _, noted := range f.failing {
		if noted.Resource != kind || noted.Name != name {
			turns = append(turns, false, false, false) // it is about something else
		}
		if failing := len(noted.Found) > 0; len(turns) == 0 || turns[len(turns)-1] != failing {
			turns = append(turns, failing)
		}
	}
	return turns
}

// A step that fails round after round is noted, and so is that it succeeds again:
// a tag's Record.
func TestFailingStepOfATagIsNoted(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass > 6 {
			return forgotten()
		}
		seen := steady(first)
		seen.Changed = true
		return seen, nil
	}
	outside.record = func(watch.RecordRequest) (watch.Recorded, error) {
		if len(outside.recorded) > 20 { // four rounds
			return watch.Recorded{}, nil
		}
		return watch.Recorded{}, errors.New("violates a constraint")
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if diff := cmp.Diff([]bool{true, false}, turnsOf(outside, condition.Tag, target.String())); diff != "" {
		t.Errorf("noted (-want +got)\n%s", diff)
	}
	if f := outside.failing[0].Found[0]; f.Kind != condition.StepFails || f.Step != string(condition.StageEvaluate) || f.Message != "violates a constraint" || f.For == 0 {
		t.Errorf("found %+v", f)
	}
}

// What was noted before the run began is taken back when the steps succeed.
func TestFailingStepNotedBeforeTheRun(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		seen := steady(first)
		seen.Noted = pass == 1
		if pass > 2 {
			return forgotten()
		}
		return seen, nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if len(outside.failing) != 1 || len(outside.failing[0].Found) != 0 {
		t.Errorf("noted %+v, want once that nothing fails", outside.failing)
	}
}

// The rounds of what watches go on, and are noted to fail.
func TestFailingRoundsAreNoted(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.deliver = func(round int) (delivery.Round, error) {
		if round <= 15 { // three rounds of five tries
			return delivery.Round{}, errOutage
		}
		return delivery.Round{Active: round < 17}, nil
	}
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeSubscription}) }, 20*time.Minute)
	env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "chat"})
	finished(t, env)
	if diff := cmp.Diff([]bool{true, false}, turnsOf(outside, condition.Endpoint, "chat")); diff != "" {
		t.Errorf("noted (-want +got)\n%s", diff)
	}
}

// A task goes on until it succeeds, and is noted to fail meanwhile.
func TestFailingTaskIsNoted(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	tries := 0
	env.OnActivity("Reevaluate", mock.Anything, mock.Anything).Return(func(context.Context, watch.ReevaluateRequest) (watch.Reevaluated, error) {
		if tries++; tries <= 15 {
			return watch.Reevaluated{}, errOutage
		}
		return watch.Reevaluated{Evaluated: 1}, nil
	})
	env.ExecuteWorkflow(workflows.ApplyPolicy, policy.Activation{Bundle: "bundle"})
	finished(t, env)
	if diff := cmp.Diff([]bool{true, false}, turnsOf(outside, condition.Task, workflows.ApplyPolicyID)); diff != "" {
		t.Errorf("noted (-want +got)\n%s", diff)
	}
}
