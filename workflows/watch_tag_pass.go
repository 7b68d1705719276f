package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// answerAfter is how long a watcher waits for the answer to its request for an
// analysis before it asks again: an answer can be lost with Temporal's data.
const answerAfter = 15 * time.Minute

// follow is one pass: observe, analyze, match, record. Its caller remembers a
// failure in the state and leaves it to the next pass.
func (w *tagWatcher) follow(ctx workflow.Context) (watch.Observation, error) {
	w.begin(watch.StageResolve, "looking at the registry")
	seen, err := local(ctx, "look at the registry and the store", Activities.Observe, w.Target)
	if err != nil {
		return seen, err
	}
	if seen.Summary != nil {
		w.Summary = *seen.Summary
	}
	w.ended, w.Problem, w.Summary.Next = !seen.Active, seen.Problem, seen.Next
	if len(seen.Types) > 0 {
		w.Types = seen.Types
	}
	if w.ended || seen.Resolved.Manifest == "" {
		return seen, nil
	}
	if err := w.refresh(ctx, seen); err != nil {
		return seen, err
	}
	if !(seen.Changed || w.Force) {
		return seen, nil
	}
	force := w.Force
	w.Force = false // before the steps: a signal during them asks for them again
	if err := w.renew(ctx, seen, force); err != nil {
		w.Force = w.Force || force
		return seen, err
	}
	return seen, nil
}

// renew makes the outcome for what was seen, and records it.
func (w *tagWatcher) renew(ctx workflow.Context, seen watch.Observation, again bool) error {
	problem, err := w.prepare(ctx, seen, again)
	if err != nil {
		return err
	}
	return w.record(ctx, watch.RecordRequest{Target: w.Target, Resolved: seen.Resolved, Problem: problem})
}

// begin notes which step is under way.
func (w *tagWatcher) begin(stage watch.Stage, doing string) { w.stage, w.Doing = stage, doing }

// prepare analyzes and matches the image where that is still to be done, or
// asked for again. It returns why it cannot be done for this image, as far as
// that is final.
func (w *tagWatcher) prepare(ctx workflow.Context, seen watch.Observation, again bool) (*watch.Problem, error) {
	digest := seen.Resolved.Manifest
	if !seen.Analyzed || again {
		problem, err := w.analyze(ctx, digest, again)
		if problem != nil || err != nil {
			return problem, err
		}
	}
	if !seen.Matched || again {
		w.begin(watch.StageMatch, "matching vulnerabilities")
		_, err := call(ctx, matching, "match "+digest.Short(), Activities.Match, digest)
		if err != nil {
			if problem := problemOf(ctx, watch.StageMatch, err, nil); permanent(problem) {
				return problem, nil // the tag's move is told all the same
			}
		}
		return nil, err
	}
	return nil, nil
}

// analyze has the image analyzed and waits for the answer. However many tags
// point to the image, one workflow does the work and answers them all.
func (w *tagWatcher) analyze(ctx workflow.Context, digest image.Digest, again bool) (*watch.Problem, error) {
	w.begin(watch.StageAnalyze, "analyzing image "+digest.Short())
	w.Analyzing = digest
	defer func() { w.Analyzing = "" }()
	delete(w.analyses, digest)
	request := w.analysisRequest(ctx, digest, again)
	for {
		if err := order(ctx, "ask for the analysis of "+digest.Short(), Activities.RequestAnalysis, request); err != nil {
			return nil, err
		}
		answered := func() bool { _, done := w.analyses[digest]; return done }
		ok, err := waitFor(ctx, answerAfter, "answer overdue", answered)
		if err != nil {
			return nil, err
		}
		if ok {
			return w.analyses[digest].Problem, nil
		}
	}
}

// analysisRequest puts a tag of which nothing is known before one that moved.
func (w *tagWatcher) analysisRequest(ctx workflow.Context, digest image.Digest, again bool) watch.AnalysisRequest {
	request := watch.AnalysisRequest{Target: w.Target, Digest: digest, Again: again,
		Watcher: workflow.GetInfo(ctx).WorkflowExecution.ID}
	if w.Summary.Analyzed != "" {
		request.Urgency = watch.UrgentMoved
	}
	return request
}

// refresh has an image looked at again by an analyzer that is not the one that
// analyzed it, once, when nothing else is to be analyzed. What is known serves
// until then; the answer asks for a pass. Only a worker from before RenewAnalyses,
// and the histories of that time, ask for it here.
func (w *tagWatcher) refresh(ctx workflow.Context, seen watch.Observation) error {
	digest := seen.Resolved.Manifest
	asked := string(digest) + " " + seen.Newer
	if seen.Newer == "" || w.Force || w.refreshed[asked] {
		return nil
	}
	w.refreshed[asked] = true
	request := w.analysisRequest(ctx, digest, true)
	request.Urgency = watch.NotUrgent
	return order(ctx, "ask for another look at "+digest.Short(), Activities.RequestAnalysis, request)
}

// record stores the outcome and wakes the endpoints that have something to
// tell. The deliveries are rows by then: a wake-up that is lost does no harm.
func (w *tagWatcher) record(ctx workflow.Context, request watch.RecordRequest) error {
	w.begin(watch.StageEvaluate, "evaluating policies")
	recorded, err := call(ctx, recording, "evaluate and record", Activities.Record, request)
	if err != nil {
		return err
	}
	w.Summary = recorded.Summary
	if request.Problem != nil {
		w.Problem = request.Problem
	}
	w.Recent = append(recorded.Notifications, w.Recent...)
	w.Recent = w.Recent[:min(len(w.Recent), recentNotifications)]
	if len(recorded.Endpoints) == 0 {
		return nil
	}
	return order(ctx, "wake endpoints", Activities.WakeEndpoints, recorded.Endpoints)
}
