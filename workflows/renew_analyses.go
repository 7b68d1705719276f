package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
)

// renewalTimeout is how long the answer about an image is waited for. An analysis that
// takes longer goes on, and the next image has its turn.
const renewalTimeout = 30 * time.Minute

// RenewalSummary says what RenewAnalyses does.
const RenewalSummary = "Repeated analysis of images after a change of the analyzer"

// RenewalState is what one run of RenewAnalyses hands to the next, and its outcome.
type RenewalState struct {
	// Analyzer is the one that the images are analyzed again by; After is the number of
	// the last of them.
	Analyzer string
	After    int64
	// Renewed images were analyzed again, Failed ones could not be.
	Renewed, Failed int
}

// renewer lives within one run of RenewAnalyses.
type renewer struct {
	RenewalState
	answers map[image.Digest]Analyzed
}

// RenewAnalyses has images analyzed again by the active analyzer if they were analyzed by
// one of another version or other settings: one after the other, at the pace of the
// settings, and with the lowest priority. Its schedule starts it (see RunTask), also when a
// worker with a new analyzer starts.
//
// For each image it finds the next one (NextRenewal), requests its analysis as WatchTag
// does, waits up to 30 minutes for SignalAnalyzed, wakes the tags of the image or stores
// when to try again (EndRenewal), has an older image that only workloads run matched
// (Match), and waits for the rest of its share of an hour. Each image has one turn in a run. Its steps are repeated until they succeed; after a crash the
// analysis that was requested goes on by itself.
//
// It ends when no image is left, and continues as new between images. It never notifies:
// WatchTag does if the outcome changed.
func RenewAnalyses(ctx workflow.Context, state RenewalState) (RenewalState, error) {
	return watched(ctx, RenewAnalysesID, func(ctx workflow.Context) (RenewalState, error) { return renewAnalyses(ctx, state) })
}

func renewAnalyses(ctx workflow.Context, state RenewalState) (RenewalState, error) {
	r := &renewer{RenewalState: state, answers: map[image.Digest]Analyzed{}}
	onSignal(ctx, SignalAnalyzed, func(a Analyzed) { r.answers[a.Digest] = a })
	r.show(ctx, "Looking for images to analyze again", 0)
	for {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return r.RenewalState, workflow.NewContinueAsNewError(ctx, RenewAnalyses, r.RenewalState)
		}
		next, err := call(ctx, storing, "find an image to analyze again", Activities.NextRenewal,
			analysis.RenewalRequest{Analyzer: r.Analyzer, After: r.After})
		if err != nil || next.Number == 0 {
			r.show(ctx, "No image is left to analyze again", 0)
			return r.RenewalState, err
		}
		if err := r.turn(ctx, next); err != nil {
			return r.RenewalState, err
		}
	}
}

// turn is that of one image. One whose registry does not respond is skipped without a
// pause.
func (r *renewer) turn(ctx workflow.Context, next analysis.Renewal) error {
	if next.Analyzer != r.Analyzer {
		r.RenewalState = RenewalState{}
	}
	r.Analyzer, r.After = next.Analyzer, next.Number
	began, problem := workflow.Now(ctx), next.Problem
	r.show(ctx, "Image "+next.Digest.Short(), next.Left)
	if problem == nil {
		var err error
		if problem, err = r.analyze(ctx, next); err != nil {
			return err
		}
	}
	renewed, err := call(ctx, bulk, "wake the tags of "+next.Digest.Short(), Activities.EndRenewal,
		analysis.RenewalEnd{Analyzer: next.Analyzer, Digest: next.Digest, Problem: problem})
	if err != nil {
		return err
	}
	if renewed && next.Older {
		if renewed, err = r.match(ctx, next.Digest); err != nil {
			return err
		}
	}
	r.count(renewed)
	if next.Problem != nil {
		return nil
	}
	return r.rest(ctx, next, next.Pause-workflow.Now(ctx).Sub(began))
}

func (r *renewer) count(renewed bool) {
	if renewed {
		r.Renewed++
	} else {
		r.Failed++
	}
}

// match has an image matched, and reports whether it can be.
func (r *renewer) match(ctx workflow.Context, digest image.Digest) (bool, error) {
	err := execute(ctx, matching, "match "+digest.Short(), activityName(Activities.Match), nil, digest)
	if err != nil && permanent(problemOf(ctx, condition.StageMatch, err, nil)) {
		return false, nil
	}
	return err == nil, err
}

// analyze requests the analysis of an image and waits for the answer, but not longer than
// renewalTimeout: EndRenewal finds in the store what came of it.
func (r *renewer) analyze(ctx workflow.Context, next analysis.Renewal) (*condition.Problem, error) {
	delete(r.answers, next.Digest)
	request := analysis.Request{Target: next.Target, Digest: next.Digest, Force: true, Urgency: analysis.NotUrgent,
		Watcher: workflow.GetInfo(ctx).WorkflowExecution.ID}
	if err := order(ctx, "request another analysis of "+next.Digest.Short(), Activities.RequestAnalysis, request); err != nil {
		return nil, err
	}
	answered := func() bool { _, done := r.answers[next.Digest]; return done }
	if _, err := waitFor(ctx, renewalTimeout, "give up waiting for the analysis", answered); err != nil {
		return nil, err
	}
	return r.answers[next.Digest].Problem, nil
}

// rest keeps the pace.
func (r *renewer) rest(ctx workflow.Context, next analysis.Renewal, pause time.Duration) error {
	if pause <= 0 {
		return nil
	}
	r.show(ctx, "Pause", next.Left-1)
	return workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "pause until the next image"}).Get(ctx, nil)
}

func (r *renewer) show(ctx workflow.Context, headline string, left int) {
	setDetails(ctx, RenewalSummary, renewalDetails(r.RenewalState, headline, left))
}

func renewalDetails(state RenewalState, headline string, left int) string {
	done := state.Renewed + state.Failed
	details := fmt.Sprintf("### %s\n\n%d of %d images processed, %d of them could not be analyzed now.\n", headline, done, done+left, state.Failed)
	if state.Analyzer != "" {
		details += "\nActive analyzer: `" + state.Analyzer + "`\n"
	}
	return details
}
