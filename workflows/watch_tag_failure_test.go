package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

// failing is the observation of a tag whose registry answers with a problem.
func failing(kind string) watch.Observation {
	seen := steady(first)
	seen.Problem = &condition.Problem{Kind: kind, Stage: condition.StageResolve, Message: "registry says no"}
	return seen
}

func TestWatchTagRegistryFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		kind error
		ask  time.Duration // Retry-After
		want []time.Duration
	}{
		{"unavailable: backs off up to the interval, then recovers", errkind.Unavailable, 0,
			[]time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour}},
		{"asks to wait: as long as it says", errkind.Unavailable, 20 * time.Minute,
			[]time.Duration{20 * time.Minute, 20 * time.Minute, 20 * time.Minute, 20 * time.Minute, 20 * time.Minute, 20 * time.Minute, 32 * time.Minute, time.Hour, time.Hour}},
		{"asks to wait longer than the interval", errkind.Unavailable, 90 * time.Minute,
			slices.Concat(slices.Repeat([]time.Duration{90 * time.Minute}, 8), []time.Duration{time.Hour})},
		{"gone: no reason to hurry", errkind.NotFound, 0, slices.Repeat([]time.Duration{time.Hour}, 9)},
		{"refused: no reason to hurry", errkind.Unauthorized, 0, slices.Repeat([]time.Duration{time.Hour}, 9)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.observe = func(pass int) (watch.Observation, error) {
				switch {
				case pass <= 8:
					seen := failing(errkind.Name(test.kind))
					seen.RetryAfter = test.ask
					return seen, nil
				case pass == 9:
					return steady(first), nil
				}
				return forgotten()
			}
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			finished(t, env)
			if !slices.Equal(test.want, outside.waits()) {
				t.Errorf("waits\n%v, want\n%v", outside.waits(), test.want)
			}
		})
	}
}

func TestWatchTagStepFails(t *testing.T) {
	t.Parallel()
	passing := errOutage
	forGood := permanentError(errkind.Invalid, "the SBOM cannot be read")
	tests := []struct {
		name  string
		spoil func(*fake)
		stage condition.Stage
		kind  string
		wait  time.Duration
	}{
		{"check", func(f *fake) {
			f.observe = func(pass int) (watch.Observation, error) { return watch.Observation{}, passing }
		}, condition.StageResolve, "", 30 * time.Second},
		{"match", func(f *fake) {
			f.match = func(image.Digest) error {
				return permanentError(passing, "no disk")
			}
		}, condition.StageMatch, "", 30 * time.Second},
		{"record", func(f *fake) {
			f.record = func(watch.RecordRequest) (watch.Recorded, error) { return watch.Recorded{}, forGood }
		}, condition.StageEvaluate, "Invalid", time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.observe = func(int) (watch.Observation, error) {
				seen := analyzed(first)
				seen.Summary = nil
				return seen, nil
			}
			test.spoil(outside)
			before := workflows.TagState{Target: target, Summary: watch.Summary{Resolved: image.Resolved{Manifest: first}, Analyzed: second, Status: "pass"}}
			env.RegisterDelayedCallback(func() {
				state := status(t, env)
				if state.Problem == nil || state.Problem.Stage != test.stage || state.Problem.Kind != test.kind {
					t.Errorf("problem %+v, want kind %q at stage %s", state.Problem, test.kind, test.stage)
				}
				if state.Summary.Analyzed != second || state.Summary.Status != "pass" {
					t.Errorf("the last good state is lost: %+v", state.Summary)
				}
				last := outside.passes[len(outside.passes)-1]
				if got := state.NextResync.Sub(last).Round(10 * time.Second); got != test.wait {
					t.Errorf("next check after %s, want %s", got, test.wait)
				}
				env.CancelWorkflow()
			}, 25*time.Second)
			env.ExecuteWorkflow(workflows.WatchTag, before)
		})
	}
}

// An image whose packages cannot be matched is a new image all the same.
func TestWatchTagImageThatCannotBeMatched(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass > 1 {
			return forgotten()
		}
		return analyzed(second), nil
	}
	outside.match = func(image.Digest) error {
		return permanentError(errkind.Invalid, "the SBOM cannot be read")
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if len(outside.recorded) != 1 || outside.recorded[0].Resolved.Manifest != second {
		t.Fatalf("recorded %+v", outside.recorded)
	}
	if got := outside.recorded[0].Problem; got == nil || got.Stage != condition.StageMatch || got.Message != "the SBOM cannot be read" {
		t.Errorf("recorded problem %+v", got)
	}
}

// A problem that lasts keeps its beginning, whatever else is tried meanwhile.
func TestWatchTagProblemKeepsItsBeginning(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(int) (watch.Observation, error) { return watch.Observation{}, errOutage }
	var since []time.Time
	for _, at := range []time.Duration{20 * time.Second, 30 * time.Minute} {
		env.RegisterDelayedCallback(func() { since = append(since, status(t, env).Problem.Since) }, at)
	}
	env.RegisterDelayedCallback(env.CancelWorkflow, 31*time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	if len(outside.passes) < 6 || !since[0].Equal(since[1]) {
		t.Errorf("after %d attempts the problem began %v", len(outside.passes), since)
	}
}

// A rule that is due while a step fails does not make the watcher spin.
func TestWatchTagOverdueRuleWhileFailing(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(int) (watch.Observation, error) {
		seen := steady(first)
		seen.Changed, seen.Next = true, env.Now().Add(-time.Minute)
		return seen, nil
	}
	outside.record = func(watch.RecordRequest) (watch.Recorded, error) {
		return watch.Recorded{}, permanentError(errkind.Invalid, "the bundle cannot be read")
	}
	env.RegisterDelayedCallback(env.CancelWorkflow, 150*time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	if want := []time.Duration{time.Hour, time.Hour}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// An endpoint that could not be woken at once is woken all the same.
func TestWatchTagWakeUpIsNotLost(t *testing.T) {
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
	outside.record = func(watch.RecordRequest) (watch.Recorded, error) {
		return watch.Recorded{Endpoints: []string{"chat"}}, nil
	}
	failures := 0
	reached := false
	outside.wake = func() error {
		if failures++; failures <= 8 {
			return errOutage
		}
		reached = true
		return nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if !reached {
		t.Error("the endpoint was given up")
	}
	if diff := cmp.Diff(1, len(outside.recorded)); diff != "" {
		t.Errorf("recorded (-want +got)\n%s", diff)
	}
}
