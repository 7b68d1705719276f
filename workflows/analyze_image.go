package workflows

import (
	"fmt"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Analyzed answers a watcher that asked for an analysis.
type Analyzed struct {
	Digest image.Digest
	// Problem is why the image cannot be analyzed; nil when it is.
	Problem *watch.Problem
}

// analyzer lives within one run of AnalyzeImage.
type analyzer struct {
	digest  image.Digest
	wanted  []watch.AnalysisRequest // not answered yet, in order of arrival
	outcome string
}

// answersAtOnce is how many watchers are answered together; Temporal bounds the
// signals that one workflow has under way.
const answersAtOnce = 100

// AnalyzeImage analyzes one image and answers every watcher that asks for it
// meanwhile: many tags may point to one image, which is analyzed once. Requests
// arrive as signals, the first together with the start.
func AnalyzeImage(ctx workflow.Context, digest image.Digest) error {
	a := &analyzer{digest: digest}
	onSignal(ctx, SignalWanted, func(request watch.AnalysisRequest) { a.wanted = append(a.wanted, request) })
	for {
		if err := readSignals(ctx); err != nil {
			return err
		}
		if len(a.wanted) == 0 {
			a.show(ctx, a.outcome)
			return nil
		}
		a.show(ctx, "Being analyzed")
		asked := a.wanted[0]
		done, err := call(ctx, analysisOf(asked), "analyze "+digest.Short(), Activities.Analyze, asked)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		a.settle(ctx, asked, done, err)
	}
}

// analysisOf has the most urgent analysis done first, and among equals gives each
// repository its turn: a thousand new images of one do not hold up the others.
func analysisOf(asked watch.AnalysisRequest) workflow.ActivityOptions {
	options := analysis
	options.Priority = temporal.Priority{
		PriorityKey: priorities[asked.Urgency],
		FairnessKey: fairnessKey(asked.Target.Reference.Repository),
	}
	return options
}

// priorities are Temporal's, of which 3 is the ordinary one and 1 the highest.
var priorities = map[watch.Urgency]int{watch.UrgentFirst: 2, watch.UrgentMoved: 3, watch.NotUrgent: 5}

// maxFairnessKey is how many bytes Temporal allows.
const maxFairnessKey = 64

// fairnessKey is the end of a repository's name, which tells more than the
// beginning, as far as Temporal takes it.
func fairnessKey(repository image.Repository) string {
	name := repository.String()
	return name[max(0, len(name)-maxFairnessKey):]
}

// settle answers the watchers whose question is answered. A registry that
// refuses one watcher's tag says nothing about the tags of the others: only that
// one is told, and the next request is tried. What was known already is no
// answer to those who want the image analyzed again.
func (a *analyzer) settle(ctx workflow.Context, asked watch.AnalysisRequest, done watch.Analysis, err error) {
	answer := Analyzed{Digest: a.digest, Problem: done.Problem}
	if err != nil {
		answer.Problem = problemOf(ctx, watch.StageAnalyze, err, nil)
	}
	a.outcome = outcomeOf(done, answer.Problem)
	refused := err != nil && ofReference(answer.Problem)
	var told, left []watch.AnalysisRequest
	for _, request := range a.wanted {
		if request == asked || !refused && (asked.Again || !request.Again) {
			told = append(told, request)
		} else {
			left = append(left, request)
		}
	}
	a.wanted = left
	for some := range slices.Chunk(told, answersAtOnce) {
		tell(ctx, some, answer)
	}
}

// tell answers watchers. One that has ended meanwhile needs no answer.
func tell(ctx workflow.Context, requests []watch.AnalysisRequest, answer Analyzed) {
	sent := make([]workflow.Future, len(requests))
	for i, request := range requests {
		sent[i] = workflow.SignalExternalWorkflow(ctx, request.Watcher, "", SignalAnalyzed, answer)
	}
	for i, request := range requests {
		if err := sent[i].Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Info("watcher not told of the analysis", "watcher", request.Watcher, "error", err)
		}
	}
}

// ofReference tells whether the problem may lie in the reference that the image
// was pulled by rather than in the image.
func ofReference(problem *watch.Problem) bool {
	return problem.Kind == fault.Name(fault.NotFound) || problem.Kind == fault.Name(fault.Unauthorized)
}

func outcomeOf(done watch.Analysis, problem *watch.Problem) string {
	if problem != nil {
		return "Not analyzed: " + problem.Message
	}
	return fmt.Sprintf("Analyzed: %d packages, %d files", done.Packages, done.Files)
}

func (a *analyzer) show(ctx workflow.Context, headline string) {
	details := "### " + headline + "\n\nImage `" + string(a.digest) + "`\n"
	for _, request := range a.wanted {
		details += "\n- wanted by `" + request.Target.String() + "`"
	}
	workflow.SetCurrentDetails(ctx, details)
}
