package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

const registry = "registry.example.com"

// polled is a poll that went well; the next is due a minute later.
func polled(checked int) polling.Poll {
	return polling.Poll{Active: true, Tags: 10, Checked: checked, Wait: time.Minute}
}

// down is a poll that the registry did not answer.
func down(message string) polling.Poll {
	return polling.Poll{Active: true, Tags: 10, Wait: time.Minute,
		Problem: &condition.Problem{Kind: errkind.Name(errkind.Unavailable), Stage: condition.StageResolve, Message: message}}
}

// polls answers with those polls, then with one that ends the workflow.
func polls(list ...polling.Poll) func(int) (polling.Poll, error) {
	return func(round int) (polling.Poll, error) {
		if round > len(list) {
			return polling.Poll{}, nil
		}
		return list[round-1], nil
	}
}

func TestWatchRegistrySurvivesAFault(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.poll = func(round int) (polling.Poll, error) {
		if round == 1 {
			return polling.Poll{}, permanentError(errkind.Invalid, "a row cannot be read")
		}
		return polls()(round)
	}
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if want := []time.Duration{30 * time.Second}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

func TestWatchRegistryNewTagIsCheckedSoon(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.poll = polls(polled(1), polled(1))
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeSubscription}) }, 10*time.Second)
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if want := []time.Duration{10 * time.Second, time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// Signals of new tags do not make due a poll past the pause that the last one asked
// for; a person does.
func TestWatchRegistryPausesBetweenPolls(t *testing.T) {
	t.Parallel()
	paused := polled(1)
	paused.Pause = 15 * time.Second
	for _, test := range []struct {
		name     string
		signal   string
		argument any
		want     []time.Duration
	}{
		{"new tags", workflows.SignalWake, watcher.Wake{Reason: watcher.WakeSubscription}, []time.Duration{15 * time.Second, time.Minute}},
		{"a person", workflows.SignalWake, watcher.Wake{Reason: watcher.WakeManual}, []time.Duration{5 * time.Second, time.Minute}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.poll = polls(paused, paused)
			for _, at := range []time.Duration{5 * time.Second, 6 * time.Second, 7 * time.Second} {
				env.RegisterDelayedCallback(func() {
					if len(outside.waits()) == 0 { // the first pause
						env.SignalWorkflow(test.signal, test.argument)
					}
				}, at)
			}
			env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
			finished(t, env)
			if !slices.Equal(test.want, outside.waits()) {
				t.Errorf("waits %v, want %v", outside.waits(), test.want)
			}
		})
	}
}

func TestWatchRegistryDoesNotSpin(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.poll = polls(polling.Poll{Active: true}, polling.Poll{Active: true, Wait: -time.Minute})
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if want := []time.Duration{time.Second, time.Second}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

func TestWatchRegistryHandsOver(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.poll = func(int) (polling.Poll, error) {
		env.SetContinueAsNewSuggested(true)
		return down("a"), nil
	}
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	got := handedOver[workflows.RegistryState](t, env)
	want := workflows.RegistryState{Registry: registry, Last: down("a"), At: got.At}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("handed over (-want +got)\n%s", diff)
	}
}

func TestCheckRegistry(t *testing.T) {
	t.Parallel()
	env, _ := newWorld(t)
	env.ExecuteWorkflow(workflows.CheckRegistry, registry)
	finished(t, env)
	var got polling.Report
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(polling.Report{Name: registry, Worker: "worker", Works: true}, got); diff != "" {
		t.Errorf("report (-want +got)\n%s", diff)
	}
}
