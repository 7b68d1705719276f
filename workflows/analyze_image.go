package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/plain"
)

// Analyzed answers a workflow that requested an analysis.
type Analyzed struct {
	Digest image.Digest
	// Problem is why the image cannot be analyzed; nil when it is.
	Problem *condition.Problem
	// Delayed reports that the Problem may pass, and that the answer is still to come.
	Delayed bool `json:",omitempty"`
}

// AnalysisState is all that one run of AnalyzeImage hands to the next.
type AnalysisState struct {
	Digest image.Digest
	// Wanted are the requests that are not answered yet, at most one of each workflow, in
	// order of arrival.
	Wanted []analysis.Request `json:",omitempty"`
	// Failures counts the rounds that failed in a row.
	Failures int `json:",omitempty"`
}

// analyzer lives within one run of AnalyzeImage.
type analyzer struct {
	AnalysisState
	places  map[string]int // in Wanted, of each watcher
	arrived bool           // a request came that nothing was tried for yet
}

// answersAtOnce is how many watchers are answered together; Temporal bounds the
// signals that one workflow has under way.
const answersAtOnce = 100

// AnalyzeImage analyzes one image for every workflow that requests it: many tags may
// point to one image, which is analyzed once. Each request is a signal, SignalWanted; it
// starts the workflow, or joins the one that runs.
//
// A round runs Analyze for the most urgent request and answers with SignalAnalyzed: all
// requests that the outcome is true of, or, if the registry refused, only the one that was
// tried. After a failure that may pass it tells everybody why the answer takes longer, and
// repeats the round for the same requests after 30 s, doubling up to 10 minutes, or when
// another request arrives.
//
// It ends when no request is left, and continues as new between rounds. A crash repeats
// the round. It stores nothing about tags, and an answer to a workflow that has ended is
// dropped.
func AnalyzeImage(ctx workflow.Context, state AnalysisState) error {
	a := &analyzer{AnalysisState: state}
	a.keep(state.Wanted)
	onSignal(ctx, SignalWanted, a.want)
	for {
		if err := readSignals(ctx); err != nil {
			return err
		}
		if len(a.Wanted) == 0 {
			return nil
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, AnalyzeImage, a.AnalysisState)
		}
		if err := a.round(ctx); err != nil {
			return err
		}
	}
}

// want keeps a request; a repeated one takes the place of the former. One for another
// image is dropped.
func (a *analyzer) want(request analysis.Request) {
	if request.Digest != a.Digest {
		return
	}
	a.arrived = true
	if i, known := a.places[request.Watcher]; known {
		request.Force = request.Force || a.Wanted[i].Force
		a.Wanted[i] = request
		return
	}
	a.places[request.Watcher] = len(a.Wanted)
	a.Wanted = append(a.Wanted, request)
}

// keep makes those the requests that are not answered yet.
func (a *analyzer) keep(requests []analysis.Request) {
	a.Wanted, a.places = requests, make(map[string]int, len(requests))
	for i, request := range requests {
		a.places[request.Watcher] = i
	}
}

// round analyzes the image for the most urgent request.
func (a *analyzer) round(ctx workflow.Context) error {
	a.show(ctx, "Being analyzed")
	a.arrived = false
	asked := mostUrgent(a.Wanted)
	done, err := call(ctx, analysisOf(asked), "analyze "+a.Digest.Short(), Activities.Analyze, asked)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && kindOf(err) != "" && permanentKind(kindOf(err)) || err == nil {
		a.Failures = 0
		a.finish(ctx, asked, done, err)
		return nil
	}
	a.Failures++
	delay := problemOf(ctx, condition.StageAnalyze, err, nil)
	a.answer(ctx, a.Wanted, Analyzed{Digest: a.Digest, Problem: delay, Delayed: true})
	a.show(ctx, "Failed, will be retried: "+delay.Message)
	_, err = waitFor(ctx, min(backoff(a.Failures), longestRetry), "next try", func() bool { return a.arrived })
	return err
}

// longestRetry is the longest wait before another round.
const longestRetry = 10 * time.Minute

func mostUrgent(requests []analysis.Request) analysis.Request {
	return slices.MinFunc(requests, func(a, b analysis.Request) int { return cmp.Compare(a.Urgency, b.Urgency) })
}

// analysisOf has the most urgent analysis done first, and among equals gives each
// repository its turn: a thousand new images of one do not hold up the others.
func analysisOf(asked analysis.Request) workflow.ActivityOptions {
	options := analyzing
	if asked.Urgency == analysis.NotUrgent {
		options.RetryPolicy = unhurried // nobody waits, and the worker of another version may have to take it
	}
	options.Priority = temporal.Priority{
		PriorityKey: priorities[asked.Urgency],
		FairnessKey: fairnessKey(asked.Target.Reference.Repository),
	}
	return options
}

var unhurried = &temporal.RetryPolicy{InitialInterval: 5 * time.Second, MaximumInterval: 10 * time.Minute}

// priorities are Temporal's, of which 3 is the ordinary one and 1 the highest.
var priorities = map[analysis.Urgency]int{analysis.UrgentMoved: 2, analysis.UrgentFirst: 3, analysis.NotUrgent: 5}

// maxFairnessKey is how many bytes Temporal allows.
const maxFairnessKey = 64

// fairnessKey is the end of a repository's name, which tells more than the
// beginning, as far as Temporal takes it.
func fairnessKey(repository image.Repository) string {
	name := repository.String()
	return name[max(0, len(name)-maxFairnessKey):]
}

// finish answers the requests that the outcome is true of. A registry that refuses one
// tag says nothing about the others: only that request is answered, and the next round
// tries another. A stored analysis is no answer to a request to analyze again.
func (a *analyzer) finish(ctx workflow.Context, asked analysis.Request, done analysis.Result, err error) {
	answer := Analyzed{Digest: a.Digest, Problem: done.Problem}
	if err != nil {
		answer.Problem = problemOf(ctx, condition.StageAnalyze, err, nil)
	}
	refused := err != nil && ofReference(answer.Problem)
	var answered, left []analysis.Request
	for _, request := range a.Wanted {
		if request == asked || !refused && (asked.Force || !request.Force) {
			answered = append(answered, request)
		} else {
			left = append(left, request)
		}
	}
	a.keep(left)
	a.show(ctx, outcomeOf(done, answer.Problem))
	a.answer(ctx, answered, answer)
}

// answer signals watchers. One that has ended meanwhile needs no answer.
func (a *analyzer) answer(ctx workflow.Context, requests []analysis.Request, answer Analyzed) {
	for some := range slices.Chunk(slices.Clone(requests), answersAtOnce) {
		sent := make([]workflow.Future, len(some))
		for i, request := range some {
			sent[i] = workflow.SignalExternalWorkflow(ctx, request.Watcher, "", SignalAnalyzed, answer)
		}
		for i, request := range some {
			if err := sent[i].Get(ctx, nil); err != nil {
				workflow.GetLogger(ctx).Info("watcher not notified of the analysis", "watcher", request.Watcher, "error", err)
			}
		}
	}
}

// ofReference reports whether the problem may lie in the reference that the image
// was pulled by rather than in the image.
func ofReference(problem *condition.Problem) bool {
	return problem.Kind == errkind.Name(errkind.NotFound) || problem.Kind == errkind.Name(errkind.Unauthorized)
}

func outcomeOf(done analysis.Result, problem *condition.Problem) string {
	if problem != nil {
		return "Not analyzed: " + problem.Message
	}
	return fmt.Sprintf("Analyzed: %d packages, %d files", done.Packages, done.Files)
}

// shownRequests is how many requests the details list: thousands of tags can point to one
// image.
const shownRequests = 50

func (a *analyzer) show(ctx workflow.Context, headline string) {
	setDetails(ctx, AnalysisSummary(a.Digest), analysisDetails(headline, a.Wanted))
}

func analysisDetails(headline string, wanted []analysis.Request) string {
	details := "### " + plain.Markdown(headline) + "\n"
	for _, request := range wanted[:min(len(wanted), shownRequests)] {
		details += "\n- requested for " + plain.Code(request.Target.String())
	}
	if more := len(wanted) - shownRequests; more > 0 {
		details += fmt.Sprintf("\n- and for %d more", more)
	}
	return details
}

func AnalysisSummary(digest image.Digest) string { return "Analysis of " + string(digest) }
