package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

const registry = "registry.example.com"

// polled is a poll that went well; the next is due a minute later.
func polled(checked int) watch.Poll {
	return watch.Poll{Active: true, Tags: 10, Checked: checked, Wait: time.Minute}
}

// down is a poll that the registry did not answer.
func down(message string) watch.Poll {
	return watch.Poll{Active: true, Tags: 10, Wait: time.Minute,
		Problem: &watch.Problem{Kind: errkind.Name(errkind.Unavailable), Stage: watch.StageResolve, Message: message}}
}

// limited is a poll of which the registry's limit left nothing.
func limited(message string) watch.Poll {
	poll := down(message)
	poll.Limited = true
	return poll
}

// shaky is a poll of which some checks failed.
func shaky(checked, failed int) watch.Poll {
	poll := polled(checked)
	poll.Failed = failed
	return poll
}

// polls answers with those polls, then with one that ends the workflow.
func polls(list ...watch.Poll) func(int) (watch.Poll, error) {
	return func(round int) (watch.Poll, error) {
		if round > len(list) {
			return watch.Poll{}, nil
		}
		return list[round-1], nil
	}
}

func TestWatchRegistryNotifiesOnce(t *testing.T) {
	t.Parallel()
	failing := func(message string) watch.RegistryTurn {
		return watch.RegistryTurn{Registry: registry, Failing: true, Problem: *down(message).Problem}
	}
	recovered := func(message string) watch.RegistryTurn {
		return watch.RegistryTurn{Registry: registry, Problem: *down(message).Problem}
	}
	tests := []struct {
		name  string
		polls []watch.Poll
		want  []watch.RegistryTurn
	}{
		{"well all the time", []watch.Poll{polled(4), polled(0), polled(4)}, nil},
		{"fails for a while", []watch.Poll{polled(4), down("a"), down("a"), down("b"), polled(4), polled(4)},
			[]watch.RegistryTurn{failing("a"), recovered("a")}},
		{"nothing was checked: no sign of recovery", []watch.Poll{down("a"), polled(0), down("a"), polled(1)},
			[]watch.RegistryTurn{failing("a"), recovered("a")}},
		{"answers now and then: no recovery yet", []watch.Poll{down("a"), shaky(3, 5), down("b"), shaky(5, 5), shaky(6, 5)},
			[]watch.RegistryTurn{failing("a"), recovered("a")}},
		{"a limit that passes", []watch.Poll{limited("a"), limited("a"), polled(4), limited("a"), limited("a"), polled(4)}, nil},
		{"a limit that lasts", []watch.Poll{limited("a"), limited("b"), limited("c"), limited("d"), polled(4)},
			[]watch.RegistryTurn{failing("c"), recovered("c")}},
		{"a failure among limits", []watch.Poll{limited("a"), down("b"), limited("c"), polled(4)},
			[]watch.RegistryTurn{failing("b"), recovered("b")}},
		{"fails twice", []watch.Poll{down("a"), polled(1), down("b"), polled(1)},
			[]watch.RegistryTurn{failing("a"), recovered("a"), failing("b"), recovered("b")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.poll = polls(test.polls...)
			env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
			finished(t, env)
			if diff := cmp.Diff(test.want, outside.turns); diff != "" {
				t.Errorf("notified (-want +got)\n%s", diff)
			}
			if want := slices.Repeat([]time.Duration{time.Minute}, len(test.polls)); !slices.Equal(want, outside.waits()) {
				t.Errorf("waits %v, want %v", outside.waits(), want)
			}
		})
	}
}

// A limit for as long as several polls is notified at once.
func TestWatchRegistryNotifiesOfALongLimit(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	long := limited("a")
	long.Wait = time.Hour
	outside.poll = polls(long, polled(4))
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if len(outside.turns) != 2 {
		t.Errorf("notified %v, want failing and recovered", outside.turns)
	}
}

// Whoever is to be notified may be out of reach for a while.
func TestWatchRegistryNotifiesThroughAnOutage(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.poll = polls(down("a"), down("a"))
	attempts := 0
	outside.tell = func(watch.RegistryTurn) error {
		if attempts++; attempts <= 10 {
			return errOutage
		}
		return nil
	}
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if len(outside.turns) != 1 {
		t.Errorf("notified %v, want once", outside.turns)
	}
}

func TestWatchRegistrySurvivesAFault(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.poll = func(round int) (watch.Poll, error) {
		if round == 1 {
			return watch.Poll{}, permanentError(errkind.Invalid, "a row cannot be read")
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
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, struct{}{}) }, 10*time.Second)
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
		{"new tags", workflows.SignalWake, struct{}{}, []time.Duration{15 * time.Second, time.Minute}},
		{"a person", workflows.SignalCheckNow, workflows.CheckNow{}, []time.Duration{5 * time.Second, time.Minute}},
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
	outside.poll = polls(watch.Poll{Active: true}, watch.Poll{Active: true, Wait: -time.Minute})
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if want := []time.Duration{time.Second, time.Second}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

func TestWatchRegistryHandsOver(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	problem := down("a").Problem
	outside.poll = func(int) (watch.Poll, error) {
		env.SetContinueAsNewSuggested(true)
		return down("a"), nil
	}
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry, Problem: problem})
	got := handedOver[workflows.RegistryState](t, env)
	want := workflows.RegistryState{Registry: registry, Problem: problem, Last: down("a"), At: got.At}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("handed over (-want +got)\n%s", diff)
	}
	if len(outside.turns) != 0 {
		t.Errorf("notified again: %v", outside.turns)
	}
}

func TestCheckRegistry(t *testing.T) {
	t.Parallel()
	env, _ := newWorld(t)
	env.ExecuteWorkflow(workflows.CheckRegistry, registry)
	finished(t, env)
	var got watch.RegistryReport
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(watch.RegistryReport{Name: registry, Worker: "worker", Works: true}, got); diff != "" {
		t.Errorf("report (-want +got)\n%s", diff)
	}
}
