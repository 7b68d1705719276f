package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// answerAfter is how long a watcher waits for the answer to its request for an
// analysis before it asks again: an answer can be lost with Temporal's data.
const answerAfter = 15 * time.Minute

// follow is one resync. Observe finds which image the tag points to, and what is left to
// do; often that is nothing. Then, each step only if it is needed:
//
//  1. Record, that the tag moved, before any work on the new image
//  2. RequestAnalysis of an image that is not analyzed; its answer brings another resync
//  3. Match, of the newest analyzed image
//  4. Record, the outcome, and WakeEndpoints if there are deliveries
//
// RequestAnalysis and WakeEndpoints are repeated until they succeed (see order). Another
// step that fails ends the resync; the caller keeps the problem in the state.
func (w *tagWatcher) follow(ctx workflow.Context) (watch.Observation, error) {
	w.begin(condition.StageResolve, "checking the registry")
	seen, err := local(ctx, "find the image of the tag and the steps to do", Activities.Observe, w.Target)
	if err != nil {
		return seen, err
	}
	if seen.Summary != nil {
		w.Summary = *seen.Summary
	}
	w.ended, w.Problem, w.Summary.Next, w.Poll = !seen.Active, seen.Problem, seen.Next, seen.Poll
	if len(seen.Types) > 0 {
		w.Types = seen.Types
	}
	if w.ended || seen.Resolved.Manifest == "" {
		return seen, nil
	}
	force, answer := w.Force, w.Answer
	w.Force, w.Answer = false, nil // before the steps: a signal during them asks for them again
	if err := w.renew(ctx, seen, force, answer); err != nil {
		w.Force = w.Force || force
		if w.Answer == nil {
			w.Answer = answer
		}
		return seen, err
	}
	return seen, nil
}

// renew does the steps that follow Observe.
func (w *tagWatcher) renew(ctx workflow.Context, seen watch.Observation, force bool, answer *Analyzed) error {
	unfit := unfitness(seen, answer)
	waits := !seen.Analyzed && unfit == nil
	anew := force || answer != nil
	matches := seen.Image != "" && (!seen.Matched || anew)
	request := watch.RecordRequest{Target: w.Target, Resolved: seen.Resolved, Problem: unfit}
	recorded := false
	if seen.Resolved != w.Summary.Resolved && (waits || matches) {
		if err := w.record(ctx, request); err != nil {
			return err
		}
		recorded = true
	}
	if err := w.analyze(ctx, seen, waits, force); err != nil {
		return err
	}
	if !seen.Changed && !anew {
		return nil
	}
	if matches {
		problem, err := w.match(ctx, seen.Image)
		if err != nil {
			return err
		}
		if request.Problem == nil {
			request.Problem = problem
		}
	} else if recorded {
		return nil
	}
	return w.record(ctx, request)
}

// unfitness is why the image that the tag points to cannot be analyzed, by what is
// stored or by the answer to the request; nil if it can.
func unfitness(seen watch.Observation, answer *Analyzed) *condition.Problem {
	if answer != nil && answer.Digest == seen.Resolved.Manifest && answer.Problem != nil {
		return answer.Problem
	}
	return seen.Unfit
}

// begin notes which step is under way, for the state and for a problem.
func (w *tagWatcher) begin(stage condition.Stage, doing string) { w.stage, w.Doing = stage, doing }

// analyze requests the analysis of the image that the tag points to, if there is none or
// it is to be repeated. It does not wait: the answer, SignalAnalyzed, brings a resync. A
// request without an answer is sent again after 15 minutes. However many tags point to
// the image, one AnalyzeImage does the work.
func (w *tagWatcher) analyze(ctx workflow.Context, seen watch.Observation, waits, again bool) error {
	digest := seen.Resolved.Manifest
	if w.Analyzing != "" && w.Analyzing != digest {
		w.Analyzing, w.Delay = "", nil
	}
	if waits && w.Problem == nil {
		if w.Problem = w.Delay; seen.Delay != nil {
			w.Problem = seen.Delay
		}
	}
	due := w.Analyzing == "" || !workflow.Now(ctx).Before(w.Asked.Add(answerAfter))
	if !again && !(due && (waits || w.Analyzing != "")) {
		return nil
	}
	w.begin(condition.StageAnalyze, "requesting the analysis of image "+digest.Short())
	request := analysis.Request{Target: w.Target, Digest: digest, Force: again, Urgency: w.urgency(),
		Watcher: workflow.GetInfo(ctx).WorkflowExecution.ID}
	// Before it is sent: the answer may arrive with the confirmation.
	w.Analyzing, w.Asked, w.Delay = digest, workflow.Now(ctx), nil
	err := order(ctx, "request the analysis of "+digest.Short(), Activities.RequestAnalysis, request)
	if err != nil {
		w.Analyzing = ""
	}
	return err
}

// urgency puts a tag with an outcome, which is out of date now, before one without.
func (w *tagWatcher) urgency() analysis.Urgency {
	if w.Summary.Analyzed != "" {
		return analysis.UrgentMoved
	}
	return analysis.UrgentFirst
}

// match has the image matched. It returns why it cannot be, if that is final.
func (w *tagWatcher) match(ctx workflow.Context, digest image.Digest) (*condition.Problem, error) {
	w.begin(condition.StageMatch, "matching vulnerabilities")
	err := execute(ctx, matching, "match "+digest.Short(), activityName(Activities.Match), nil, digest)
	if err != nil {
		if problem := problemOf(ctx, condition.StageMatch, err, nil); permanent(problem) {
			return problem, nil // the tag's move is notified all the same
		}
	}
	return nil, err
}

// record stores the outcome and wakes the endpoints that have something to send. The
// deliveries are rows by then: Reconcile finds those whose wake-up is lost.
func (w *tagWatcher) record(ctx workflow.Context, request watch.RecordRequest) error {
	w.begin(condition.StageEvaluate, "evaluating policies")
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
