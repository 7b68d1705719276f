package workflows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// handedOver is what a run that was continued as new leaves to the next.
func handedOver[T any](t *testing.T, env *testsuite.TestWorkflowEnvironment) (state T) {
	t.Helper()
	var next *workflow.ContinueAsNewError
	if err := env.GetWorkflowError(); !errors.As(err, &next) {
		t.Fatalf("not continued as new: %v", err)
	}
	if err := converter.GetDefaultDataConverter().FromPayloads(next.Input, &state); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestWatchTagHandsOver(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	state := workflows.TagState{
		Target:   target,
		Summary:  watch.Summary{Target: target, Analyzed: first, Status: "fail", FinalAction: "stop", Matched: true, Changed: at},
		Recent:   []watch.Notified{{ID: "1", Type: notification.TagUpdate, Line: "moved", At: at}},
		Types:    []notification.Type{notification.TagUpdate},
		Failures: 4,
		Problem:  &condition.Problem{Kind: errkind.Name(errkind.Unavailable), Stage: condition.StageResolve, Message: "no answer", Since: at},
	}
	outside.observe = func(int) (watch.Observation, error) {
		env.SetContinueAsNewSuggested(true)
		seen := steady(first)
		seen.Problem, seen.Types, seen.Summary = state.Problem, state.Types, nil
		return seen, nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, state)
	got := handedOver[workflows.TagState](t, env)
	state.Failures++
	state.NextResync = got.NextResync
	if diff := cmp.Diff(state, got); diff != "" {
		t.Errorf("handed over (-want +got)\n%s", diff)
	}
}

// The state of a tag of which nothing is known must survive the trip too.
func TestWatchTagHandsOverNothing(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(int) (watch.Observation, error) {
		env.SetContinueAsNewSuggested(true)
		return watch.Observation{Active: true, Every: time.Hour}, nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	got := handedOver[workflows.TagState](t, env)
	if diff := cmp.Diff(workflows.TagState{Target: target, NextResync: got.NextResync}, got); diff != "" {
		t.Errorf("handed over (-want +got)\n%s", diff)
	}
}

// Signals come in one task with what ends the last resync of a run: the workflow
// hears of the resync first and must not end before it has read them.
func TestWatchTagHandsOverAPendingForce(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(int) (watch.Observation, error) {
		env.SetContinueAsNewSuggested(true)
		seen := steady(first)
		seen.Changed = true
		env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeOutdated})
		return seen, nil
	}
	outside.record = func(watch.RecordRequest) (watch.Recorded, error) {
		env.SignalWorkflowSkippingWorkflowTask(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeRescan})
		return watch.Recorded{}, nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	if got := handedOver[workflows.TagState](t, env); !got.Force {
		t.Error("a request to make every step anew is lost between two runs")
	}
}

// The result of a repeated analysis is compared by the next run.
func TestWatchTagHandsOverAnAnswer(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(int) (watch.Observation, error) {
		env.SetContinueAsNewSuggested(true)
		seen := steady(first)
		seen.Changed = true
		return seen, nil
	}
	answer := workflows.Analyzed{Digest: first}
	outside.record = func(watch.RecordRequest) (watch.Recorded, error) {
		env.SignalWorkflowSkippingWorkflowTask(workflows.SignalAnalyzed, answer)
		return watch.Recorded{}, nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target, Force: true})
	if diff := cmp.Diff(&answer, handedOver[workflows.TagState](t, env).Answer); diff != "" {
		t.Errorf("handed over (-want +got)\n%s", diff)
	}
	env, outside = newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass == 1 {
			return steady(first), nil
		}
		return forgotten()
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target, Answer: &answer})
	finished(t, env)
	if len(outside.matched) != 1 || len(outside.recorded) != 1 {
		t.Errorf("matched %v, recorded %v", outside.matched, outside.recorded)
	}
}
