package watch

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// ReevaluateRequest asks to evaluate tags in bulk.
type ReevaluateRequest struct {
	// Build is the data build that brought news: what it, or another matcher, may
	// change is evaluated. "" is for another bundle or other acceptances.
	Build string
}

// Reevaluated is how far tags were evaluated in bulk.
type Reevaluated struct {
	// After is the last tag.
	After OutcomePlace
	// Evaluated tags got an outcome, that of Kept ones was found to be the same, and
	// watchers of Outdated ones do what else is to be done.
	Evaluated, Kept, Outdated int
	// StatusChanged are those of Evaluated that changed between pass and fail.
	StatusChanged int
}

// OutcomePlace is a place in the order of outcomes, by image and then by target.
type OutcomePlace struct {
	Image  image.Digest
	Target string
}

// OutcomeFilter selects recorded outcomes.
type OutcomeFilter struct {
	// Build selects those that a data build, or another matcher, may change; "" all.
	Build string
	After OutcomePlace
	Limit int
}

// Outcome is what was recorded of a target, without its documents, and what an outcome
// would be made from now.
type Outcome struct {
	Target  image.Target
	ImageID string // of the analyzed image
	View    RecordView
}

// OwedWake is a watcher that is to be woken for what was recorded of its target.
type OwedWake struct {
	Target   image.Target
	Reason   watcher.WakeReason
	Revision int64 // of the state
}

// Place is where the outcome stands among others.
func (o Outcome) Place() OutcomePlace { return OutcomePlace{o.View.State.Analyzed, o.Target.String()} }

// Evaluable reports whether the outcome needs nothing but an evaluation. An image that
// was never matched, or that failed to be, needs more.
func (o Outcome) Evaluable() bool {
	state := o.View.State
	return state.Matched && (state.Problem == nil || state.Problem.Stage == condition.StageEvaluate || state.Problem.Stage == condition.StageAnalyze)
}

// Candidate is the outcome as keys of bundles see it, with the key of acceptances.
func (o Outcome) Candidate(acceptances string) policy.Candidate {
	return policy.Candidate{Acceptances: acceptances, Reference: o.Target.Reference, Digest: o.View.State.Analyzed, ImageID: o.ImageID,
		Dockerfile: subscription.Dockerfile(o.View.Subscriptions),
		Failed:     FailedImage(o.View.State.Problem, o.View.State.Resolved.Manifest)}
}

// Current reports whether the outcome was made from what there is now.
func (o Outcome) Current() bool {
	basis := o.View.State.Basis
	return o.Judged() && basis.Build == o.View.Build && basis.Matcher == o.View.Matcher
}

// Judged reports whether the outcome was made from the active bundle and from the
// acceptances that there are now.
func (o Outcome) Judged() bool {
	basis := o.View.State.Basis
	return basis.Bundle == o.View.Bundle && basis.Acceptances == o.View.Accepting
}

// Lasts reports whether time alone does not change the outcome yet.
func (o Outcome) Lasts(now time.Time) bool {
	next := o.View.State.Next
	return next.IsZero() || now.Before(next)
}

// Shows reports whether a watcher shows, and waits for, the same.
func (s Summary) Shows(other Summary) bool {
	return s.Status == other.Status && s.FinalAction == other.FinalAction && s.Next.Equal(other.Next) &&
		s.Counts == other.Counts && s.Coverage == other.Coverage && s.Matched == other.Matched
}
