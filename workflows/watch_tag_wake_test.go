package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestWatchTagSignalsAskForAPass(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason watcher.WakeReason
		force  bool
	}{
		{watcher.WakeManual, false},
		{watcher.WakeRescan, true},
		{watcher.WakePoll, false},
		{watcher.WakeOutdated, false},
	}
	for _, test := range tests {
		t.Run(string(test.reason), func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.request = answering(env, nil)
			outside.observe = func(pass int) (watch.Observation, error) {
				if pass < 4 {
					return steady(first), nil
				}
				return forgotten()
			}
			env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: test.reason}) }, 10*time.Minute)
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			finished(t, env)
			waits, made := []time.Duration{10 * time.Minute, time.Hour, time.Hour}, []int{0, 0, 0}
			if test.force { // every step is made once more, and again with what the analysis finds
				waits, made = []time.Duration{10 * time.Minute, 0, time.Hour}, []int{1, 2, 2}
			}
			if !slices.Equal(waits, outside.waits()) {
				t.Errorf("waits %v, want %v", outside.waits(), waits)
			}
			if got := []int{len(outside.requested), len(outside.matched), len(outside.recorded)}; !slices.Equal(made, got) {
				t.Errorf("analyses, matches and records %v, want %v", got, made)
			}
		})
	}
}

// A watcher is started by a signal. The first resync serves it.
func TestWatchTagStartsWithASignal(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass == 1 {
			return steady(first), nil
		}
		return forgotten()
	}
	env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeManual}) }, 0)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if want := []time.Duration{time.Hour}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// A signal that comes during a resync may be about something that the resync did
// not see any more.
func TestWatchTagSignalDuringAResync(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		switch pass {
		case 1:
			env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeOutdated})
			return steady(first), nil
		case 2:
			return steady(first), nil
		}
		return forgotten()
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if want := []time.Duration{0, time.Hour}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// A watcher that nobody needs may be needed again by the time it finds out, as
// when somebody subscribes, or a repository's tag comes back.
func TestWatchTagSignalTogetherWithTheEnd(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(int) (watch.Observation, error) {
		env.SignalWorkflowSkippingWorkflowTask(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeSubscription})
		return forgotten()
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	if next := handedOver[workflows.TagState](t, env); next.Target != target || next.Rest != 0 {
		t.Errorf("the next run begins with %+v", next)
	}
}

func TestWatchTagForceOutlivesAFailure(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.request = answering(env, nil)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass < 3 {
			return steady(first), nil
		}
		return forgotten()
	}
	outside.match = func(image.Digest) error {
		if len(outside.matched) == 1 {
			return permanentError(errOutage, "not now")
		}
		return nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target, Force: true})
	finished(t, env)
	if len(outside.matched) < 2 || len(outside.recorded) == 0 {
		t.Errorf("matched %d times and recorded %d", len(outside.matched), len(outside.recorded))
	}
	for _, request := range outside.requested {
		if !request.Force {
			t.Error("a forced pass asks for an analysis that may be known")
		}
	}
}

func TestWatchTagTimeDependentRule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		due  time.Duration
		want time.Duration
	}{
		{"before the interval ends", 12 * time.Minute, 12*time.Minute + time.Second},
		{"after the interval", 2 * time.Hour, time.Hour},
		{"overdue, as clocks differ", -time.Second, 30 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.observe = func(pass int) (watch.Observation, error) {
				if pass > 1 {
					return forgotten()
				}
				seen := steady(first)
				seen.Changed = true
				return seen, nil
			}
			outside.record = func(r watch.RecordRequest) (watch.Recorded, error) {
				return watch.Recorded{Summary: watch.Summary{Target: target, Next: env.Now().Add(test.due)}}, nil
			}
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			finished(t, env)
			if want := []time.Duration{test.want}; !slices.Equal(want, outside.waits()) {
				t.Errorf("waits %v, want %v", outside.waits(), want)
			}
		})
	}
}

// A watcher whose tag was evaluated elsewhere shows what is recorded, and waits for what
// time changes of it; it asks no registry.
func TestWatchTagShowsWhatWasRecordedElsewhere(t *testing.T) {
	t.Parallel()
	for _, reason := range []watcher.WakeReason{watcher.WakePolicy, watcher.WakeData} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.observe = func(pass int) (watch.Observation, error) {
				if pass == 1 {
					return steady(first), nil
				}
				return forgotten()
			}
			begun := env.Now()
			env.RegisterDelayedCallback(func() {
				outside.summary = watch.Summary{Target: target, Analyzed: first, Status: policy.Fail, Next: env.Now().Add(5 * time.Minute)}
				env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: reason})
			}, 10*time.Minute)
			env.RegisterDelayedCallback(func() {
				if state := status(t, env); state.Summary.Status != policy.Fail || !state.NextResync.Equal(begun.Add(15*time.Minute+time.Second)) {
					t.Errorf("shows %q, next resync at %s", state.Summary.Status, state.NextResync)
				}
			}, 11*time.Minute)
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			finished(t, env)
			if want := []time.Duration{15*time.Minute + time.Second}; !slices.Equal(want, outside.waits()) || outside.read != 1 {
				t.Errorf("resyncs after %v, want %v; read %d times", outside.waits(), want, outside.read)
			}
		})
	}
}

// A summary that cannot be read is no reason to show what is out of date.
func TestWatchTagResyncsWhereTheSummaryCannotBeRead(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass == 1 {
			return steady(first), nil
		}
		return forgotten()
	}
	env.OnActivity("ReadSummary", mock.Anything, mock.Anything).Return(watch.Summary{}, permanentError(errkind.NotFound, "it is not watched"))
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakePolicy})
	}, 10*time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if want := []time.Duration{10 * time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}
