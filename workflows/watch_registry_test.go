package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

const registry = "registry.example.com"

// swept is a sweep that went well; the next is due a minute later.
func swept(looked int) watch.Sweep {
	return watch.Sweep{Active: true, Tags: 10, Looked: looked, Wait: time.Minute}
}

// down is a sweep that the registry did not answer.
func down(message string) watch.Sweep {
	return watch.Sweep{Active: true, Tags: 10, Wait: time.Minute,
		Problem: &watch.Problem{Kind: fault.Name(fault.Unavailable), Stage: watch.StageResolve, Message: message}}
}

// limited is a sweep of which the registry's limit left nothing.
func limited(message string) watch.Sweep {
	sweep := down(message)
	sweep.Limited = true
	return sweep
}

// shaky is a sweep of which some looks failed.
func shaky(looked, failed int) watch.Sweep {
	sweep := swept(looked)
	sweep.Failed = failed
	return sweep
}

// sweeps answers with those sweeps, then with one that ends the workflow.
func sweeps(list ...watch.Sweep) func(int) (watch.Sweep, error) {
	return func(round int) (watch.Sweep, error) {
		if round > len(list) {
			return watch.Sweep{}, nil
		}
		return list[round-1], nil
	}
}

func TestWatchRegistryTellsOnce(t *testing.T) {
	t.Parallel()
	failing := func(message string) watch.RegistryTurn {
		return watch.RegistryTurn{Registry: registry, Failing: true, Problem: *down(message).Problem}
	}
	recovered := func(message string) watch.RegistryTurn {
		return watch.RegistryTurn{Registry: registry, Problem: *down(message).Problem}
	}
	tests := []struct {
		name   string
		sweeps []watch.Sweep
		want   []watch.RegistryTurn
	}{
		{"well all the time", []watch.Sweep{swept(4), swept(0), swept(4)}, nil},
		{"fails for a while", []watch.Sweep{swept(4), down("a"), down("a"), down("b"), swept(4), swept(4)},
			[]watch.RegistryTurn{failing("a"), recovered("a")}},
		{"nothing was looked at: no sign of recovery", []watch.Sweep{down("a"), swept(0), down("a"), swept(1)},
			[]watch.RegistryTurn{failing("a"), recovered("a")}},
		{"answers now and then: no recovery yet", []watch.Sweep{down("a"), shaky(3, 5), down("b"), shaky(5, 5), shaky(6, 5)},
			[]watch.RegistryTurn{failing("a"), recovered("a")}},
		{"a limit that passes", []watch.Sweep{limited("a"), limited("a"), swept(4), limited("a"), limited("a"), swept(4)}, nil},
		{"a limit that lasts", []watch.Sweep{limited("a"), limited("b"), limited("c"), limited("d"), swept(4)},
			[]watch.RegistryTurn{failing("c"), recovered("c")}},
		{"a failure among limits", []watch.Sweep{limited("a"), down("b"), limited("c"), swept(4)},
			[]watch.RegistryTurn{failing("b"), recovered("b")}},
		{"fails twice", []watch.Sweep{down("a"), swept(1), down("b"), swept(1)},
			[]watch.RegistryTurn{failing("a"), recovered("a"), failing("b"), recovered("b")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.sweep = sweeps(test.sweeps...)
			env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
			finished(t, env)
			if diff := cmp.Diff(test.want, outside.turns); diff != "" {
				t.Errorf("told (-want +got)\n%s", diff)
			}
			if want := slices.Repeat([]time.Duration{time.Minute}, len(test.sweeps)); !slices.Equal(want, outside.waits()) {
				t.Errorf("waits %v, want %v", outside.waits(), want)
			}
		})
	}
}

// A limit for as long as several sweeps is told at once.
func TestWatchRegistryTellsOfALongLimit(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	long := limited("a")
	long.Wait = time.Hour
	outside.sweep = sweeps(long, swept(4))
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if len(outside.turns) != 2 {
		t.Errorf("told %v, want failing and recovered", outside.turns)
	}
}

// Whoever is to be told may be out of reach for a while.
func TestWatchRegistryTellsThroughAnOutage(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.sweep = sweeps(down("a"), down("a"))
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
		t.Errorf("told %v, want once", outside.turns)
	}
}

func TestWatchRegistrySurvivesAFault(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.sweep = func(round int) (watch.Sweep, error) {
		if round == 1 {
			return watch.Sweep{}, permanentError(fault.Invalid, "a row cannot be read")
		}
		return sweeps()(round)
	}
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if want := []time.Duration{30 * time.Second}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

func TestWatchRegistryNewTagIsLookedAtSoon(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.sweep = sweeps(swept(1), swept(1))
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, struct{}{}) }, 10*time.Second)
	env.ExecuteWorkflow(workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
	finished(t, env)
	if want := []time.Duration{10 * time.Second, time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// Signals of new tags do not hasten a sweep past the pause that the last one asked
// for; a person does.
func TestWatchRegistryPausesBetweenSweeps(t *testing.T) {
	t.Parallel()
	paused := swept(1)
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
			outside.sweep = sweeps(paused, paused)
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
	outside.sweep = sweeps(watch.Sweep{Active: true}, watch.Sweep{Active: true, Wait: -time.Minute})
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
	outside.sweep = func(int) (watch.Sweep, error) {
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
		t.Errorf("told again: %v", outside.turns)
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
