package workflows_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/testsuite"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestWatchTagFirstResync(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.request = answering(env, nil)
	outside.record = func(r watch.RecordRequest) (watch.Recorded, error) {
		return watch.Recorded{Summary: watch.Summary{Target: r.Target, Resolved: r.Resolved}}, nil
	}
	outside.observe = func(pass int) (watch.Observation, error) {
		switch pass {
		case 1:
			return fresh(first), nil
		case 2:
			return analyzed(first), nil
		}
		return forgotten()
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	want := []analysis.Request{{Target: target, Digest: first, Watcher: "default-test-workflow-id", Urgency: analysis.UrgentFirst}}
	if diff := cmp.Diff(want, outside.requested); diff != "" {
		t.Errorf("requested analyses (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]image.Digest{first}, outside.matched); diff != "" {
		t.Errorf("matched (-want +got)\n%s", diff)
	}
	pointed := watch.RecordRequest{Target: target, Resolved: image.Resolved{Manifest: first}}
	record := []watch.RecordRequest{pointed, pointed} // what it points to, then what that is
	if diff := cmp.Diff(record, outside.recorded); diff != "" {
		t.Errorf("recorded (-want +got)\n%s", diff)
	}
}

func TestWatchTagUnchanged(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(pass int) (watch.Observation, error) {
		if pass < 4 {
			return steady(first), nil
		}
		return forgotten()
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if len(outside.requested)+len(outside.matched)+len(outside.recorded) != 0 {
		t.Errorf("an unchanged tag is worked on: %v %v %v", outside.requested, outside.matched, outside.recorded)
	}
	if want := []time.Duration{time.Hour, time.Hour, time.Hour}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

func TestWatchTagDoesOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name              string
		analyzed, matched bool
		requests, matches int
	}{
		{"known image with other data", true, false, 0, 1},
		{"everything known, another bundle", true, true, 0, 0},
		{"unknown image", false, false, 1, 0},
		{"unknown image, and other data for the one before", false, true, 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.request = answering(env, nil)
			outside.observe = func(pass int) (watch.Observation, error) {
				if pass > 1 {
					return forgotten()
				}
				seen := steady(first)
				seen.Changed, seen.Analyzed, seen.Matched = true, test.analyzed, test.matched
				if !test.analyzed {
					seen.Image = ""
				}
				return seen, nil
			}
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
			finished(t, env)
			got := []int{len(outside.requested), len(outside.matched), len(outside.recorded)}
			if want := []int{test.requests, test.matches, 1}; !slices.Equal(want, got) {
				t.Errorf("analyzed, matched and recorded %v times, want %v", got, want)
			}
		})
	}
}

func TestWatchTagNotifiesEndpoints(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	notified := watch.Notified{ID: "1", Type: notification.TagUpdate, Line: "moved"}
	outside.observe = func(pass int) (watch.Observation, error) {
		switch pass {
		case 1:
			return steady(first), nil
		case 2:
			return fresh(second), nil
		}
		return waiting(first, second), nil
	}
	outside.record = func(r watch.RecordRequest) (watch.Recorded, error) {
		return watch.Recorded{Summary: watch.Summary{Target: target, Analyzed: r.Resolved.Manifest},
			Notifications: []watch.Notified{notified}, Endpoints: []string{"chat", "ticket"}}, nil
	}
	env.RegisterDelayedCallback(func() {
		state := status(t, env)
		if diff := cmp.Diff([]watch.Notified{notified}, state.Recent); diff != "" {
			t.Errorf("last notifications (-want +got)\n%s", diff)
		}
		if state.Summary.Resolved.Manifest != second {
			t.Errorf("status tells of image %q, want %q", state.Summary.Resolved.Manifest, second)
		}
	}, 90*time.Minute)
	env.RegisterDelayedCallback(env.CancelWorkflow, 91*time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	if diff := cmp.Diff([]string{"chat", "ticket"}, outside.endpoints); diff != "" {
		t.Errorf("woken endpoints (-want +got)\n%s", diff)
	}
}

// status asks the watcher itself.
func status(t *testing.T, env *testsuite.TestWorkflowEnvironment) (state workflows.TagState) {
	t.Helper()
	answer, err := env.QueryWorkflow(workflows.QueryStatus)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Get(&state); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestWatchTagImageThatCannotBeAnalyzed(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	problem := &condition.Problem{Kind: errkind.Name(errkind.Limit), Stage: condition.StageAnalyze, Message: "too large"}
	outside.request = answering(env, problem)
	outside.observe = func(pass int) (watch.Observation, error) {
		switch pass {
		case 1:
			return fresh(first), nil
		case 2:
			seen := fresh(first)
			seen.Unfit, seen.Problem, seen.Summary = problem, problem, &watch.Summary{Resolved: seen.Resolved}
			return seen, nil
		}
		return forgotten()
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if len(outside.matched) != 0 {
		t.Error("an image without an inventory is matched")
	}
	want := []watch.RecordRequest{{Target: target, Resolved: image.Resolved{Manifest: first}},
		{Target: target, Resolved: image.Resolved{Manifest: first}, Problem: problem}}
	if diff := cmp.Diff(want, outside.recorded); diff != "" {
		t.Errorf("recorded (-want +got)\n%s", diff)
	}
	if want := []time.Duration{0, time.Hour}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v: what is final is not tried more often", outside.waits(), want)
	}
}

func TestWatchTagAsksAgainForALostAnswer(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	answer := answering(env, nil)
	outside.request = func(r analysis.Request) error {
		if len(outside.requested) < 3 {
			return nil // the answer is lost
		}
		return answer(r)
	}
	outside.observe = func(pass int) (watch.Observation, error) {
		if len(outside.requested) == 3 {
			return forgotten()
		}
		seen := fresh(first)
		if pass > 1 {
			seen.Changed, seen.Summary = false, &watch.Summary{Resolved: seen.Resolved}
		}
		return seen, nil
	}
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	finished(t, env)
	if len(outside.requested) != 3 || len(outside.recorded) != 1 {
		t.Errorf("asked %d times and recorded %d, want 3 and 1", len(outside.requested), len(outside.recorded))
	}
	if want := []time.Duration{15 * time.Minute, 15 * time.Minute, 0}; !slices.Equal(want, outside.waits()) {
		t.Errorf("waits %v, want %v", outside.waits(), want)
	}
}

func TestWatchTagCanceled(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.observe = func(int) (watch.Observation, error) { return steady(first), nil }
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target})
	if err := env.GetWorkflowError(); err == nil || !env.IsWorkflowCompleted() {
		t.Errorf("a canceled watcher goes on: %v", err)
	}
}

// errOutage is a failure that passes.
var errOutage = errors.New("connection refused")
