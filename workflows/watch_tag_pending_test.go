package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// waiting is the observation of a tag that moved to an image that is not analyzed,
// while the one before it is served.
func waiting(from, to image.Digest) watch.Observation {
	seen := steady(from)
	seen.Resolved, seen.Analyzed = image.Resolved{Manifest: to}, false
	seen.Summary = &watch.Summary{Target: target, Resolved: seen.Resolved, Analyzed: from, Matched: true}
	return seen
}

// A move is recorded before anything is asked for, and nothing waits for the
// analysis: what the last analyzed image needs is done meanwhile.
func TestWatchTagDoesNotWaitForTheAnalysis(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.request = func(analysis.Request) error {
		if len(outside.recorded) != 1 {
			t.Errorf("the analysis is asked for after %d records, want the move's", len(outside.recorded))
		}
		return nil // and never answered
	}
	outside.observe = func(pass int) (watch.Observation, error) {
		seen := waiting(first, second)
		switch pass {
		case 1:
			return steady(first), nil
		case 2:
			seen.Changed, seen.Summary.Resolved.Manifest = true, first
			return seen, nil
		case 3: // new data
			seen.Changed, seen.Matched = true, false
			return seen, nil
		case 4: // nothing new
			return seen, nil
		}
		return forgotten()
	}
	for _, at := range []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute} {
		env.RegisterDelayedCallback(func() { env.SignalWorkflow(workflows.SignalWake, watcher.Wake{Reason: watcher.WakeOutdated}) }, at)
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	moved := watch.RecordRequest{Target: target, Resolved: image.Resolved{Manifest: second}}
	if diff := cmp.Diff([]watch.RecordRequest{moved, moved}, outside.recorded); diff != "" {
		t.Errorf("recorded (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]image.Digest{first}, outside.matched); diff != "" {
		t.Errorf("matched (-want +got)\n%s", diff)
	}
	want := []analysis.Request{{Target: target, Digest: second, Watcher: "default-test-workflow-id", Urgency: analysis.UrgentMoved}}
	if diff := cmp.Diff(want, outside.requested); diff != "" {
		t.Errorf("requested (-want +got)\n%s", diff)
	}
}

// An answer about an image that the tag has left asks for nothing.
func TestWatchTagLateAnswer(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass == 1 {
			return fresh(second), nil
		}
		return forgotten()
	}
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(workflows.SignalAnalyzed, workflows.Analyzed{Digest: first})
	}, time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if want := []time.Duration{15 * time.Minute}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

// Why the analysis does not come is a problem of the tag, until it does.
func TestWatchTagAnalysisIsDelayed(t *testing.T) {
	t.Parallel()
	delay := &condition.Problem{Stage: condition.StageAnalyze, Message: "the registry answers 503"}
	nobody := &condition.Problem{Stage: condition.StageAnalyze, Message: "no worker analyzes"}
	for name, test := range map[string]struct {
		answers []workflows.Analyzed
		seen    *condition.Problem
		want    *condition.Problem
	}{
		"it waits for its turn":   {nil, nil, nil},
		"it fails for now":        {[]workflows.Analyzed{{Digest: second, Problem: delay, Delayed: true}}, nil, delay},
		"nobody does it":          {nil, nobody, nobody},
		"it failed, and succeeds": {[]workflows.Analyzed{{Digest: second, Problem: delay, Delayed: true}, {Digest: second}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			answered := false
			outside.observe = func(int) (watch.Observation, error) {
				if answered {
					return steady(second), nil
				}
				seen := waiting(first, second)
				seen.Delay = test.seen
				return seen, nil
			}
			for i, answer := range test.answers {
				env.RegisterDelayedCallback(func() {
					answered = !answer.Delayed
					env.SignalWorkflow(workflows.SignalAnalyzed, answer)
				}, time.Duration(i+1)*time.Minute)
			}
			env.RegisterDelayedCallback(func() {
				if diff := cmp.Diff(test.want, status(t, env).Problem); diff != "" {
					t.Errorf("problem (-want +got)\n%s", diff)
				}
				env.CancelWorkflow()
			}, 10*time.Minute)
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			if passes := len(outside.passes); passes != 1+len(test.answers) {
				t.Errorf("%d resyncs, want one more than there are answers", passes)
			}
		})
	}
}

func TestWatchTagNotifiesHowUrgentAnAnalysisIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		known image.Digest
		want  analysis.Urgency
	}{
		"a new tag":        {"", analysis.UrgentFirst},
		"a tag that moved": {second, analysis.UrgentMoved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.observe = func(pass int) (watch.Observation, error) {
				if pass > 1 {
					return forgotten()
				}
				return waiting(test.known, first), nil
			}
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			finished(t, env)
			if len(outside.requested) != 1 || outside.requested[0].Urgency != test.want {
				t.Errorf("requested %+v, want urgency %d", outside.requested, test.want)
			}
		})
	}
}

// What each resync finds out anew began when the first one did.
func TestWatchTagAnalysisIsDelayedSince(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	outside.observe = func(pass int) (watch.Observation, error) {
		env.SetContinueAsNewSuggested(pass == 2)
		seen := waiting(first, second)
		seen.Delay = &condition.Problem{Stage: condition.StageAnalyze, Message: "no worker analyzes", Since: began.Add(time.Duration(pass-1) * time.Hour)}
		return seen, nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	got := handedOver[workflows.TagState](t, env)
	if len(outside.passes) != 2 || got.Problem == nil || !got.Problem.Since.Equal(began) {
		t.Errorf("after %d passes: %+v", len(outside.passes), got.Problem)
	}
}
