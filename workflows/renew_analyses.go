package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
)

// renewalTimeout is how long an image is waited for: longer than an analysis may
// take. The analysis of one that takes longer goes on without being waited for.
const renewalTimeout = 30 * time.Minute

// RenewalSummary says what RenewAnalyses does.
const RenewalSummary = "Known images for another version of the analyzer"

// RenewalState is what one run of RenewAnalyses hands to the next, and its outcome.
type RenewalState struct {
	// Analyzer is the one that the images are renewed for; After is the number of
	// the last of them.
	Analyzer string
	After    int64
	// Renewed images were checked again, Failed ones were not.
	Renewed, Failed int
}

// renewer lives within one run of RenewAnalyses.
type renewer struct {
	RenewalState
	answers map[image.Digest]Analyzed
}

// RenewAnalyses has the known images that another analyzer analyzed, in version
// or settings, analyzed by the leading one, after everything else and at a pace
// of its own. Each has one turn in a run; the schedule brings the next run.
func RenewAnalyses(ctx workflow.Context, state RenewalState) (RenewalState, error) {
	return watched(ctx, RenewAnalysesID, func(ctx workflow.Context) (RenewalState, error) { return renewAnalyses(ctx, state) })
}

func renewAnalyses(ctx workflow.Context, state RenewalState) (RenewalState, error) {
	r := &renewer{RenewalState: state, answers: map[image.Digest]Analyzed{}}
	onSignal(ctx, SignalAnalyzed, func(a Analyzed) { r.answers[a.Digest] = a })
	r.show(ctx, "Looking for images to renew", 0)
	for {
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return r.RenewalState, workflow.NewContinueAsNewError(ctx, RenewAnalyses, r.RenewalState)
		}
		next, err := call(ctx, storing, "look for an image to renew", Activities.NextRenewal,
			analysis.RenewalRequest{Analyzer: r.Analyzer, After: r.After})
		if err != nil || next.Number == 0 {
			r.show(ctx, "Nothing more to renew", 0)
			return r.RenewalState, err
		}
		if err := r.turn(ctx, next); err != nil {
			return r.RenewalState, err
		}
	}
}

// turn is that of one image: it is analyzed, its tags are woken, and the pace is
// kept. One whose registry does not answer costs no time.
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

// analyze asks for the analysis of an image and waits for the answer, as long as
// it may take. Watchers that want the same image are notified too.
func (r *renewer) analyze(ctx workflow.Context, next analysis.Renewal) (*condition.Problem, error) {
	delete(r.answers, next.Digest)
	request := analysis.Request{Target: next.Target, Digest: next.Digest, Force: true, Urgency: analysis.NotUrgent,
		Watcher: workflow.GetInfo(ctx).WorkflowExecution.ID}
	if err := order(ctx, "ask for another check "+next.Digest.Short(), Activities.RequestAnalysis, request); err != nil {
		return nil, err
	}
	answered := func() bool { _, done := r.answers[next.Digest]; return done }
	if _, err := waitFor(ctx, renewalTimeout, "answer overdue", answered); err != nil {
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
	return workflow.NewTimerWithOptions(ctx, pause, workflow.TimerOptions{Summary: "pace of renewals"}).Get(ctx, nil)
}

func (r *renewer) show(ctx workflow.Context, headline string, left int) {
	setDetails(ctx, RenewalSummary, renewalDetails(r.RenewalState, headline, left))
}

func renewalDetails(state RenewalState, headline string, left int) string {
	done := state.Renewed + state.Failed
	details := fmt.Sprintf("### %s\n\n%d of %d images dealt with, %d of them could not be renewed now.\n", headline, done, done+left, state.Failed)
	if state.Analyzer != "" {
		details += "\nFor the analyzer `" + state.Analyzer + "`\n"
	}
	return details
}
