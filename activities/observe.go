package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Registry reports what tags point to.
type Registry interface {
	// Head is one request for the digest a tag points to.
	Head(ctx context.Context, ref image.Reference) (image.Digest, error)
	// Resolve reads what a tag points to, whose digest is top if that is known, and
	// follows an index to the platform's manifest; the zero platform is the default
	// one.
	Resolve(ctx context.Context, ref image.Reference, top image.Digest, platform image.Platform) (image.Resolved, error)
	// Form reads what a digest is that a runtime reports: errkind.NotFound if the repository
	// does not have it.
	Form(ctx context.Context, repository image.Repository, digest image.Digest) (workload.Form, error)
	Tags(ctx context.Context, repository image.Repository) iter.Seq2[[]string, error]
	// RateLimit is what may be asked of a registry.
	RateLimit(registry string) polling.RateLimit
	// Check tries how a registry is spoken to.
	Check(ctx context.Context, name string) (polling.Report, error)
}

// tagStore keeps what was last recorded of tags.
type tagStore interface {
	View(ctx context.Context, target image.Target) (watch.RecordView, error)
	Record(ctx context.Context, target image.Target, decide func(watch.RecordView) (watch.Decision, error)) error
	Note(ctx context.Context, target image.Target, checked time.Time, problem *condition.Problem) error
	Targets(ctx context.Context, filter subscription.TargetFilter) ([]image.Target, error)
	Summary(ctx context.Context, target image.Target) (watch.Summary, error)
	Summaries(ctx context.Context, filter subscription.TargetFilter) ([]watch.Summary, error)
}

// ReadSummary reads what is recorded of a tag. Checks of the poller are not the
// watcher's.
func (a *Activities) ReadSummary(ctx context.Context, target image.Target) (watch.Summary, error) {
	summary, err := a.Store.Summary(ctx, target)
	summary.Checked = summary.Resynced
	return summary, classify(err)
}

// checkTimeout is how long a registry has to answer: one that hangs is one that
// does not answer.
const checkTimeout = 20 * time.Second

// Observe checks the registry with one request, and at what the store would
// make an outcome from today. A registry that cannot be asked is a finding, not
// a failure: the last known image still meets new data and policies.
func (a *Activities) Observe(ctx context.Context, target image.Target) (watch.Observation, error) {
	view, err := a.Store.View(ctx, target)
	if err != nil {
		return watch.Observation{}, classify(err)
	}
	seen := watch.Observation{Active: view.Watched, Every: jittered(a.Resync), Poll: cmp.Or(view.Poll, a.Poll), Next: view.State.Next}
	if !seen.Active {
		return seen, nil
	}
	seen.Types = typesOf(view.Subscriptions)
	if view.State.Revision > 0 {
		recorded := view.State.Summarize(target)
		seen.Summary = &recorded
	}
	wrong, err := a.Store.Conditions(ctx, condition.Scope{Resource: condition.Tag, Name: target.String()})
	if err != nil {
		return seen, classify(err)
	}
	var before *condition.Problem // with finding what the tag points to
	for _, c := range wrong {
		seen.Noted = seen.Noted || slices.Contains(condition.StepConditions, c.Kind)
		if c.Kind == condition.Unresolved {
			before = condition.ProblemOf(c)
		}
	}
	a.check(ctx, target, view.State, before, &seen)
	if ctx.Err() != nil {
		return seen, classify(ctx.Err())
	}
	if err := a.compare(ctx, view, &seen); err != nil {
		return seen, classify(err)
	}
	return seen, classify(a.note(ctx, target, before, seen.Problem))
}

// check asks the registry; while it does not answer, the tag is taken to point
// to what it last pointed to.
func (a *Activities) check(ctx context.Context, target image.Target, state watch.State, before *condition.Problem, seen *watch.Observation) {
	var err error
	if seen.Resolved, err = a.resolve(ctx, target, state.Resolved); err != nil {
		seen.Resolved, seen.RetryAfter = state.Resolved, retryAfter(err)
		seen.Problem = problem(condition.StageResolve, err, before, a.now())
	}
}

// resolve follows an index only when the tag's own digest changed, and reads what
// the tag points to by that digest: a cache may still have another answer for the
// tag.
func (a *Activities) resolve(ctx context.Context, target image.Target, last image.Resolved) (image.Resolved, error) {
	ctx, cancel := withCheckTimeout(ctx)
	defer cancel()
	top, err := a.Registry.Head(ctx, target.Reference)
	if err != nil {
		return image.Resolved{}, err
	}
	if top == last.Top() {
		return last, nil
	}
	return a.Registry.Resolve(ctx, target.Reference, top, target.Platform)
}

func withCheckTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, checkTimeout, fmt.Errorf("no answer within %s", checkTimeout))
}

// note follows whether it can be found out what the tag points to, and stores why its
// image cannot be analyzed. A registry that is out of reach is a condition of its own,
// one for all of its tags, and says nothing of a tag that was gone before.
func (a *Activities) note(ctx context.Context, target image.Target, before, now *condition.Problem) error {
	checked := a.now()
	var found *condition.Found
	if ofResolve(now) {
		checked, found = time.Time{}, now.Wrong()
		found.Silent, now = !tagFault(now), nil
	}
	switch {
	case found == nil && before == nil:
	case found != nil && found.Silent && tagFault(before): // who does not respond says nothing of the tag
	default:
		key := condition.Key{Kind: condition.Unresolved, Resource: condition.Tag, Name: target.String()}
		if _, err := a.follow(ctx, condition.Wrong(key, found), nil); err != nil {
			return err
		}
	}
	return a.Store.Note(ctx, target, checked, now)
}

// ofResolve reports whether a problem lies between us and the registry, rather
// than in the image.
func ofResolve(p *condition.Problem) bool { return p != nil && p.Stage == condition.StageResolve }

// tagFault reports whether a problem is about the tag itself: it is gone, or may
// not be read.
func tagFault(p *condition.Problem) bool {
	return ofResolve(p) && errkind.ByName(p.Kind) != nil && errkind.Permanent(errkind.ByName(p.Kind))
}

// compare reports which steps are to be done for the image, and whether the
// recorded outcome may be out of date.
func (a *Activities) compare(ctx context.Context, view watch.RecordView, seen *watch.Observation) error {
	digest := seen.Resolved.Manifest
	if digest == "" {
		return nil
	}
	stored, err := a.Store.ImageHeader(ctx, digest)
	if err != nil && !errors.Is(err, errkind.NotFound) {
		return err
	}
	seen.Analyzed = err == nil && stored.Problem == nil
	if stored.Problem != nil && stored.Analyzer == a.Analyzer.Version() {
		seen.Unfit = stored.Problem
	}
	if seen.Image = view.State.Analyzed; seen.Analyzed {
		seen.Image = digest
	}
	if seen.Image != "" {
		if seen.Matched, err = a.Store.Matched(ctx, seen.Image); err != nil {
			return err
		}
	}
	seen.Changed = outdated(view, seen, a.now())
	if seen.Problem == nil {
		seen.Problem = seen.Unfit
	}
	if !seen.Analyzed && seen.Unfit == nil {
		seen.Delay, err = a.delay(ctx)
	}
	return err
}

// delay is why no analysis is to be expected; nil if one has to wait for its turn
// only.
func (a *Activities) delay(ctx context.Context) (*condition.Problem, error) {
	leader, err := a.leadingAnalyzer(ctx)
	if err != nil || leader != "" {
		return nil, err
	}
	return problem(condition.StageAnalyze, errNoAnalyzer, nil, a.now()), nil
}

// errNoAnalyzer is shown until a worker that analyzes is at work.
var errNoAnalyzer = errors.New("no worker analyzes images: start one that serves analysis")

// outdated reports whether recording could come to something else than before.
func outdated(view watch.RecordView, seen *watch.Observation, now time.Time) bool {
	state := view.State
	if state.Resolved != seen.Resolved || state.Analyzed != seen.Image || seen.Unfit != nil && !state.Pending.IsZero() {
		return true
	}
	if state.Basis.Build != view.Build || state.Basis.Matcher != view.Matcher || state.Basis.Bundle != view.Bundle || state.Basis.Acceptances != view.Accepting {
		return true
	}
	if view.Build != "" && seen.Image != "" && !(seen.Matched && state.Matched) {
		return true
	}
	return !state.Next.IsZero() && !now.Before(state.Next)
}

// jittered spreads what began together, by up to a tenth.
func jittered(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d - time.Duration(rand.Int64N(int64(d)/10+1))
}
