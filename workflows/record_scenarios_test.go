//go:build record

package workflows_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// scenarios are named like the files of their histories.
var scenarios = map[string]scenario{
	"watch-tag":               playWatchTag,
	"watch-tag-troubles":      playWatchTagTroubles,
	"watch-tag-handover":      playWatchTagHandover,
	"watch-tag-begun":         playWatchTagBegun,
	"subscribe":               playSubscribe,
	"analyze-image":           playAnalyzeImage,
	"watch-registry":          playWatchRegistry,
	"watch-repository":        playWatchRepository,
	"follow-source":           playFollowSource,
	"plan-source":             playPlanSource,
	"apply-configuration":     playApplyConfiguration,
	"serve-endpoint":          playServeEndpoint,
	"serve-endpoint-handover": playServeEndpointHandover,
	"sync-feed":               playSyncFeed,
	"sync-feed-held":          playSyncFeedHeld,
	"sync-feed-again":         playSyncFeedAgain,
	"summarize":               playSummarize,
	"prune":                   playPrune,
	"run-task":                playRunTask,
	"run-task-joins":          playRunTaskJoins,
	"apply-policy":            playApplyPolicy,
	"apply-acceptances":       playApplyAcceptances,
	"take-turns":              playTakeTurns,
	"test-endpoint":           playTestEndpoint,
	"check-registry":          playCheckRegistry,
	"reconcile":               playReconcile,
	"plan-repository":         playPlanRepository,
	"renew-analyses":          playRenewAnalyses,
}

var background = context.Background()

// ask has an image analyzed like a real worker does.
func (s *stage) ask(r analysis.Request) error { return s.client.RequestAnalysis(background, r) }

// rests waits until that many resyncs were made and the workflow waits for a
// timer.
func (s *stage) rests(t *testing.T, run client.WorkflowRun, passes int) {
	t.Helper()
	until(t, fmt.Sprintf("rest after pass %d", passes), func() bool {
		s.mu.Lock()
		made := len(s.passes)
		s.mu.Unlock()
		return made >= passes && s.last(run) == enums.EVENT_TYPE_TIMER_STARTED
	})
}

// ends waits for the end of a run, whatever it is.
func (s *stage) ends(t *testing.T, run client.WorkflowRun) {
	t.Helper()
	until(t, "end", func() bool {
		description, err := s.temporal.DescribeWorkflowExecution(background, run.GetID(), run.GetRunID())
		return err == nil && description.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	})
}

// last is the type of a run's last event.
func (s *stage) last(run client.WorkflowRun) (last enums.EventType) {
	events := s.temporal.GetWorkflowHistory(background, run.GetID(), run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		if event, err := events.Next(); err == nil {
			last = event.GetEventType()
		}
	}
	return last
}

// must fails the scenario if a step of it does.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// outcome is what a record of a resync comes to.
func outcome(r watch.RecordRequest, endpoints ...string) watch.Recorded {
	recorded := watch.Recorded{Endpoints: endpoints, Summary: watch.Summary{
		Target: r.Target, Resolved: r.Resolved, Analyzed: r.Resolved.Manifest, Build: "sha256:build", Matched: true,
		Counts: vuln.Counts{Critical: 1, High: 2}, Status: "fail", FinalAction: "stop", Checked: time.Now(), Changed: time.Now()}}
	if len(endpoints) > 0 {
		recorded.Notifications = []watch.Notified{{ID: "1", Type: notification.TagUpdate, Line: "moved", At: time.Now()}}
	}
	return recorded
}

// everyHour has a tag passed again after an hour, which no scenario waits for.
func everyHour(seen watch.Observation) (watch.Observation, error) { return seen, nil }

func playWatchTag(t *testing.T, s *stage) client.WorkflowRun {
	s.record = func(r watch.RecordRequest) (watch.Recorded, error) { return outcome(r, "chat"), nil }
	s.observe = func(pass int) (watch.Observation, error) {
		switch pass {
		case 1: // the answers bring the next resync, here and below
			return everyHour(fresh(first))
		case 2:
			return everyHour(analyzed(first))
		case 3, 4, 5:
			return everyHour(steady(first))
		case 6:
			return everyHour(failing(errkind.Name(errkind.Unavailable)))
		case 7: // the timer brings the next resync
			soon := steady(first)
			soon.Every, soon.Types = time.Second, []notification.Type{notification.TagUpdate}
			return soon, nil
		case 8:
			moved := waiting(first, second)
			moved.Changed, moved.Summary.Resolved.Manifest = true, first
			return everyHour(moved)
		case 9:
			return everyHour(analyzed(second))
		}
		return forgotten()
	}
	must(t, s.client.WakeTag(background, target, watcher.WakeSubscription))
	run := s.run(workflows.WatchTagID(target))
	for _, next := range []struct {
		after int // passes
		ask   func() error
	}{
		{2, func() error { return s.client.WakeTag(background, target, watcher.WakeOutdated) }},
		{3, func() error { return s.client.WakeTag(background, target, watcher.WakeRescan) }},
		{5, func() error { return s.client.WakeTag(background, target, watcher.WakePoll) }},
		{6, func() error { return s.client.WakeTag(background, target, watcher.WakePolicy) }},
	} {
		s.rests(t, run, next.after)
		must(t, next.ask())
	}
	s.rests(t, run, 9)
	must(t, s.client.WakeTag(background, target, watcher.WakeSubscription))
	s.ends(t, run)
	return run
}

func playWatchTagTroubles(t *testing.T, s *stage) client.WorkflowRun {
	tag := target
	tag.Reference.Tag = "troubles"
	hostile := &condition.Problem{Kind: errkind.Name(errkind.Limit), Stage: condition.StageAnalyze, Message: "layer 3 is too large"}
	invalid := permanentError(errkind.Invalid, "it cannot be read")
	changed := steady(first)
	changed.Changed = true
	unmatched := changed
	unmatched.Matched = false
	var pass atomic.Int64 // of the scenario: the first check is tried three times
	s.observe = func(int) (watch.Observation, error) {
		switch pass.Load() {
		case 0:
			return watch.Observation{}, errOutage
		case 1:
			return everyHour(fresh(first))
		case 2, 3:
			return everyHour(unmatched)
		case 4, 5:
			return everyHour(changed)
		case 6:
			moved := waiting(first, second)
			moved.Delay = &condition.Problem{Stage: condition.StageAnalyze, Message: "no worker analyzes"}
			return everyHour(moved)
		case 7:
			due := steady(first)
			due.Next = time.Now().Add(time.Second)
			pass.Add(1)
			return everyHour(due)
		}
		return forgotten()
	}
	s.analyze = func(r analysis.Request) (analysis.Result, error) {
		return analysis.Result{Digest: r.Digest, Problem: hostile}, nil
	}
	s.match = func(image.Digest) error {
		if pass.Load() == 2 {
			return invalid
		}
		return permanentError(errOutage, "no disk")
	}
	s.record = func(r watch.RecordRequest) (watch.Recorded, error) {
		switch pass.Load() {
		case 4:
			return watch.Recorded{}, invalid
		case 5:
			return outcome(r, "chat"), nil
		}
		return outcome(r), nil
	}
	var wakes atomic.Int64
	s.wake = func() error {
		if wakes.Add(1) < 5 {
			return errOutage
		}
		return nil
	}
	must(t, s.client.WakeTag(background, tag, watcher.WakePoll))
	run := s.run(workflows.WatchTagID(tag))
	s.rests(t, run, 3)
	for made := 3; pass.Load() < 6; {
		if made++; pass.Add(1) == 1 || pass.Load() == 6 {
			made++ // with the answer
		}
		must(t, s.client.WakeTag(background, tag, watcher.WakePoll))
		s.rests(t, run, made)
	}
	pass.Add(1)
	must(t, s.client.WakeTag(background, tag, watcher.WakePoll))
	s.ends(t, run)
	return run
}

func playWatchTagHandover(t *testing.T, s *stage) client.WorkflowRun {
	tag := target
	tag.Reference.Tag = "handover"
	s.observe = func(int) (watch.Observation, error) {
		seen := steady(first)
		seen.Changed = true
		return everyHour(seen)
	}
	must(t, s.client.WakeTag(background, tag, watcher.WakePoll))
	id := workflows.WatchTagID(tag)
	run := s.run(id)
	s.rests(t, run, 1)
	s.ageing.age(id)
	must(t, s.client.WakeTag(background, tag, watcher.WakeRescan))
	s.ends(t, run)
	must(t, s.temporal.TerminateWorkflow(background, id, "", "recorded"))
	return run
}

// playWatchTagBegun: a watcher that has nothing to do but to show what was recorded.
func playWatchTagBegun(t *testing.T, s *stage) client.WorkflowRun {
	tag := target
	tag.Reference.Tag = "begun"
	s.observe = func(pass int) (watch.Observation, error) {
		if pass == 1 {
			return everyHour(steady(first))
		}
		return forgotten()
	}
	recorded := outcome(watch.RecordRequest{Target: tag, Resolved: image.Resolved{Manifest: first}}, "chat")
	must(t, s.client.StartTag(background, tag, watch.FirstRecord{Recorded: recorded, Types: notification.TagTypes, Poll: time.Minute, Rest: time.Hour}))
	run := s.run(workflows.WatchTagID(tag))
	if events := eventsOf(t, s.temporal, run.GetID(), run.GetRunID()); len(events) != 1 {
		t.Errorf("it has nothing to do, and %d events", len(events))
	}
	if state, err := s.client.TagStatus(background, tag); err != nil || state.Summary.Analyzed != first {
		t.Errorf("status %+v, %v", state, err)
	}
	s.rests(t, run, 0)
	must(t, s.client.StartTag(background, tag, watch.FirstRecord{})) // it runs, and is woken
	s.rests(t, run, 1)
	must(t, s.client.WakeTag(background, tag, watcher.WakeSubscription))
	s.ends(t, run)
	return run
}

func playSubscribe(t *testing.T, s *stage) client.WorkflowRun {
	s.refuse = func(target image.Target) *condition.Problem {
		if target.Reference.Tag == "down" && len(s.subscribed) == 1 {
			return &condition.Problem{Kind: errkind.Name(errkind.Unavailable), Message: "no answer"}
		}
		return nil
	}
	down := target
	down.Reference.Tag = "down"
	run, err := s.temporal.ExecuteWorkflow(background, client.StartWorkflowOptions{TaskQueue: workflows.QueueMain}, workflows.Subscribe,
		subscription.Request{Targets: []image.Target{target, down}, Types: notification.TagTypes})
	must(t, err)
	must(t, run.Get(background, nil))
	return run
}

func playAnalyzeImage(t *testing.T, s *stage) client.WorkflowRun {
	tag := target
	tag.Reference.Tag = "analyzed"
	const digest = second
	request := func(name string, again bool) analysis.Request {
		r := wanted(name)
		r.Digest, r.Force = digest, again
		return r
	}
	begun, late := make(chan struct{}), make(chan struct{})
	var tries atomic.Int64
	s.analyze = func(r analysis.Request) (analysis.Result, error) {
		switch tries.Add(1) {
		case 1: // of the watcher that is refused
			close(begun)
			<-late
			return analysis.Result{}, permanentError(errkind.NotFound, "no such manifest")
		case 2:
			return analysis.Result{}, errOutage
		}
		return analysis.Result{Digest: r.Digest, Packages: 40, Files: 1200}, nil
	}
	s.observe = func(pass int) (watch.Observation, error) {
		if pass == 1 {
			return everyHour(fresh(digest))
		}
		return forgotten()
	}
	must(t, s.ask(request("refused", false)))
	run := s.run(workflows.AnalyzeImageID(digest))
	<-begun
	must(t, s.client.WakeTag(background, tag, watcher.WakePoll))
	until(t, "request of a watcher that runs", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.requested) > 0
	})
	must(t, s.ask(request("ended", false)))
	must(t, s.ask(request("again", true)))
	close(late)
	s.ends(t, run)
	running := s.run(workflows.WatchTagID(tag))
	must(t, s.client.WakeTag(background, tag, watcher.WakePoll))
	s.ends(t, running)
	return run
}
