package workflows_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/testsuite"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/workflows"
)

// wanted is the request of a watcher of another tag of the image.
func wanted(tag string) analysis.Request {
	t := target
	t.Reference.Tag = tag
	return analysis.Request{Target: t, Digest: first, Watcher: workflows.WatchTagID(t)}
}

// answers collects what the watchers are notified, by their ids.
func answers(env *testsuite.TestWorkflowEnvironment) map[string][]workflows.Analyzed {
	var mu sync.Mutex
	notified := map[string][]workflows.Analyzed{}
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, workflows.SignalAnalyzed, mock.Anything).Return(
		func(_, id, _, _ string, answer any) error {
			mu.Lock()
			defer mu.Unlock()
			notified[id] = append(notified[id], answer.(workflows.Analyzed))
			return nil
		})
	return notified
}

// want sends a request with the start, as clients do.
func want(env *testsuite.TestWorkflowEnvironment, requests ...analysis.Request) {
	env.RegisterDelayedCallback(func() {
		for _, request := range requests {
			env.SignalWorkflowSkippingWorkflowTask(workflows.SignalWanted, request)
		}
	}, 0)
}

func TestAnalyzeImageOnceForMany(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	notified := answers(env)
	var requests []analysis.Request
	expected := map[string][]workflows.Analyzed{}
	for i := range 250 {
		request := wanted(fmt.Sprintf("v%d", i))
		requests = append(requests, request)
		expected[request.Watcher] = []workflows.Analyzed{{Digest: first}}
	}
	want(env, requests...)
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	finished(t, env)
	if len(outside.analyzed) != 1 {
		t.Errorf("analyzed %d times", len(outside.analyzed))
	}
	if diff := cmp.Diff(expected, notified); diff != "" {
		t.Errorf("answers (-want +got)\n%s", diff)
	}
}

func TestAnalyzeImageLateRequester(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		late func(*testsuite.TestWorkflowEnvironment)
	}{
		{"while it is analyzed", func(env *testsuite.TestWorkflowEnvironment) {
			env.SignalWorkflow(workflows.SignalWanted, wanted("late"))
		}},
		{"together with the end of the analysis", func(env *testsuite.TestWorkflowEnvironment) {
			env.SignalWorkflowSkippingWorkflowTask(workflows.SignalWanted, wanted("late"))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			notified := answers(env)
			outside.analyze = func(r analysis.Request) (analysis.Result, error) {
				if len(outside.analyzed) == 1 {
					test.late(env)
				}
				return analysis.Result{Digest: r.Digest}, nil
			}
			want(env, wanted("early"))
			env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
			finished(t, env)
			for _, tag := range []string{"early", "late"} {
				if got := notified[wanted(tag).Watcher]; len(got) != 1 || got[0].Problem != nil {
					t.Errorf("%s requester is notified %v", tag, got)
				}
			}
		})
	}
}

// A request can arrive in the very task in which the last answer is confirmed.
func TestAnalyzeImageRequesterAtTheLastMoment(t *testing.T) {
	t.Parallel()
	env, _ := newWorld(t)
	var notified []string
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, workflows.SignalAnalyzed, mock.Anything).Return(
		func(_, id, _, _ string, _ any) error {
			if notified = append(notified, id); len(notified) == 1 {
				env.SignalWorkflowSkippingWorkflowTask(workflows.SignalWanted, wanted("late"))
			}
			return nil
		})
	want(env, wanted("early"))
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	finished(t, env)
	if diff := cmp.Diff([]string{wanted("early").Watcher, wanted("late").Watcher}, notified); diff != "" {
		t.Errorf("notified (-want +got)\n%s", diff)
	}
}

func TestAnalyzeImageFails(t *testing.T) {
	t.Parallel()
	hostile := &condition.Problem{Kind: errkind.Name(errkind.Limit), Stage: condition.StageAnalyze, Message: "layer 3 unpacks to more than 10 GiB"}
	tests := []struct {
		name    string
		analyze func(analysis.Request) (analysis.Result, error)
		want    map[string]string // tag to kind of problem
	}{
		{"one registry has not got it", func(r analysis.Request) (analysis.Result, error) {
			if r.Target.Reference.Tag == "gone" {
				return analysis.Result{}, permanentError(errkind.NotFound, "no such manifest")
			}
			return analysis.Result{Digest: r.Digest}, nil
		}, map[string]string{"gone": "NotFound", "good": "", "fine": ""}},
		{"one registry refuses", func(r analysis.Request) (analysis.Result, error) {
			if r.Target.Reference.Tag == "gone" {
				return analysis.Result{}, permanentError(errkind.Unauthorized, "denied")
			}
			return analysis.Result{Digest: r.Digest}, nil
		}, map[string]string{"gone": "Unauthorized", "good": "", "fine": ""}},
		{"the image is at fault", func(r analysis.Request) (analysis.Result, error) {
			return analysis.Result{Digest: r.Digest, Problem: hostile}, nil
		}, map[string]string{"gone": "Limit", "good": "Limit", "fine": "Limit"}},
		{"the step is at fault", func(analysis.Request) (analysis.Result, error) {
			return analysis.Result{}, permanentError(errkind.Invalid, "unreadable")
		}, map[string]string{"gone": "Invalid", "good": "Invalid", "fine": "Invalid"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			notified := answers(env)
			outside.analyze = test.analyze
			want(env, wanted("gone"), wanted("good"), wanted("fine"))
			env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
			finished(t, env)
			got := map[string]string{}
			for tag := range test.want {
				for _, answer := range notified[wanted(tag).Watcher] {
					got[tag] += kindOf(answer.Problem)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answers (-want +got)\n%s", diff)
			}
		})
	}
}

func kindOf(problem *condition.Problem) string {
	if problem == nil {
		return ""
	}
	return problem.Kind
}

// What is known is no answer to somebody who wants it made anew.
func TestAnalyzeImageAgain(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	notified := answers(env)
	known := &condition.Problem{Kind: errkind.Name(errkind.Limit), Stage: condition.StageAnalyze, Message: "as it was yesterday"}
	outside.analyze = func(r analysis.Request) (analysis.Result, error) {
		if r.Force {
			return analysis.Result{Digest: r.Digest}, nil
		}
		return analysis.Result{Digest: r.Digest, Problem: known}, nil
	}
	again := wanted("again")
	again.Force = true
	want(env, wanted("plain"), again)
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	finished(t, env)
	expected := map[string][]workflows.Analyzed{
		wanted("plain").Watcher: {{Digest: first, Problem: known}},
		again.Watcher:           {{Digest: first}},
	}
	if diff := cmp.Diff(expected, notified); diff != "" {
		t.Errorf("answers (-want +got)\n%s", diff)
	}
}

func TestAnalyzeImageRequesterThatEnded(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).Return(
		errors.New("there is no such workflow"))
	want(env, wanted("ended"))
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	finished(t, env)
	if len(outside.analyzed) != 1 {
		t.Errorf("analyzed %d times, want 1", len(outside.analyzed))
	}
}

func TestAnalyzeImageCanceled(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	notified := answers(env)
	outside.analyze = func(r analysis.Request) (analysis.Result, error) { return analysis.Result{}, errOutage }
	want(env, wanted("early"))
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Second)
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	if !env.IsWorkflowCompleted() || env.GetWorkflowError() == nil || len(notified) != 0 {
		t.Errorf("canceled: %v, notified %v", env.GetWorkflowError(), notified)
	}
}

// Who asks again, as for an answer that was lost, does not wait twice.
func TestAnalyzeImageRepeatedRequest(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	notified := answers(env)
	want(env, wanted("one"), wanted("one"), wanted("other"), wanted("one"))
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	finished(t, env)
	for _, tag := range []string{"one", "other"} {
		if got := notified[wanted(tag).Watcher]; len(got) != 1 {
			t.Errorf("%s is answered %d times", tag, len(got))
		}
	}
	if len(outside.analyzed) != 1 {
		t.Errorf("analyzed %d times", len(outside.analyzed))
	}
}

// The watchers hear why it takes longer, and the answer when it comes.
func TestAnalyzeImageIsDelayed(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	notified := answers(env)
	outside.analyze = func(r analysis.Request) (analysis.Result, error) {
		if len(outside.analyzed) <= 6 {
			return analysis.Result{}, errOutage
		}
		return analysis.Result{Digest: r.Digest}, nil
	}
	want(env, wanted("tag"))
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	finished(t, env)
	got := notified[wanted("tag").Watcher]
	if len(got) != 2 || !got[0].Delayed || got[0].Problem == nil || got[1].Delayed || got[1].Problem != nil {
		t.Errorf("answers %+v, want one that it is delayed, and one that it is done", got)
	}
}

// The most urgent request has the image analyzed.
func TestAnalyzeImageForTheMostUrgent(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	answers(env)
	known, new, moved := wanted("known"), wanted("new"), wanted("moved")
	known.Urgency, new.Urgency, moved.Urgency = analysis.NotUrgent, analysis.UrgentFirst, analysis.UrgentMoved
	want(env, known, new, moved)
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	finished(t, env)
	if len(outside.analyzed) != 1 || outside.analyzed[0].Watcher != moved.Watcher {
		t.Errorf("analyzed for %+v, want once, for %s", outside.analyzed, moved.Watcher)
	}
}

// A run that has grown old hands over who waits.
func TestAnalyzeImageHandsOver(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	answers(env)
	outside.analyze = func(r analysis.Request) (analysis.Result, error) {
		env.SetContinueAsNewSuggested(true)
		return analysis.Result{}, errOutage
	}
	want(env, wanted("tag"))
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	expected := workflows.AnalysisState{Digest: first, Wanted: []analysis.Request{wanted("tag")}, Failures: 1}
	if diff := cmp.Diff(expected, handedOver[workflows.AnalysisState](t, env)); diff != "" {
		t.Errorf("handed over (-want +got)\n%s", diff)
	}
}

// A request for another image is not answered with the outcome of this one.
func TestAnalyzeImageIgnoresOtherImages(t *testing.T) {
	t.Parallel()
	env, _ := newWorld(t)
	notified := answers(env)
	mine, other := wanted("mine"), wanted("other")
	other.Digest = second
	env.RegisterDelayedCallback(func() {
		env.SignalWorkflow(workflows.SignalWanted, other)
		env.SignalWorkflow(workflows.SignalWanted, mine)
	}, 0)
	env.ExecuteWorkflow(workflows.AnalyzeImage, workflows.AnalysisState{Digest: first})
	finished(t, env)
	if len(notified[mine.Watcher]) != 1 || len(notified[other.Watcher]) != 0 {
		t.Errorf("notified %v", notified)
	}
}
