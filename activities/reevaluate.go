package activities

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// reevaluations is how many tags are evaluated at the same time.
const reevaluations = 4

// Reevaluate evaluates the active bundle for every tag of which nothing else is
// out of date, right here, page by page: a watcher that is woken to find that
// its outcome is the same costs ten times as much. Only watchers that have to
// know are woken: of tags whose outcome or whose next moment is another, and of
// those that need more than an evaluation. A repeated step goes on from the last
// page.
func (a *Activities) Reevaluate(ctx context.Context) (watch.Reevaluated, error) {
	done, err := a.reevaluate(ctx, func(after string) ([]image.Target, error) {
		return a.Store.Targets(ctx, subscription.TargetFilter{After: after, Limit: fanOutPage})
	}, watcher.WakePolicy)
	return done, classify(err)
}

// affectedPage is how many affected targets are read at a time: which images are
// affected is found anew for each page.
const affectedPage = 5000

// ReevaluateAffected is Reevaluate for the tags of which a build changed
// something that a decision reads, with their vulnerability lists. The first
// build of all concerns every image: none was matched before.
func (a *Activities) ReevaluateAffected(ctx context.Context, build string) (watch.Reevaluated, error) {
	feed, err := a.Store.Feed(ctx)
	if err != nil {
		return watch.Reevaluated{}, classify(err)
	}
	if feed.Previous == nil {
		woken, err := a.fanOut(ctx, subscription.TargetFilter{}, watcher.WakeOutdated)
		return watch.Reevaluated{Woken: woken}, classify(err)
	}
	done, err := a.reevaluate(ctx, func(after string) ([]image.Target, error) {
		return a.Store.AffectedTargets(ctx, build, after, affectedPage)
	}, watcher.WakeData)
	if err != nil {
		return done, classify(err)
	}
	done.Rest, err = a.ageMatters(ctx, feed)
	return done, classify(err)
}

// ageMatters reports whether the age of the current data can bring any tag to
// another outcome than that of the data before, for the active bundle.
func (a *Activities) ageMatters(ctx context.Context, feed databuild.Feed) (bool, error) {
	active, err := a.Store.ActiveBundle(ctx)
	if errors.Is(err, errkind.NotFound) || feed.Current == nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	bundle, _, err := a.bundle(ctx, active.Hash)
	if err != nil {
		return false, err
	}
	return bundle.AgeMatters(feed.Previous.Built, feed.Current.Built, a.now()), nil
}

// reevaluate evaluates the tags of all pages, and wakes those that have to know.
func (a *Activities) reevaluate(ctx context.Context, page func(after string) ([]image.Target, error), reason watcher.WakeReason) (watch.Reevaluated, error) {
	var at watch.Reevaluated
	if err := a.wakeRepeated(ctx); err != nil {
		return at, err
	}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &at); err != nil {
			at = watch.Reevaluated{}
		}
	}
	// A page may take long: policies can ask package registries.
	var reached atomic.Value
	reached.Store(at)
	defer heartbeat(ctx, reached.Load)()
	for {
		targets, err := page(at.After)
		if err != nil || len(targets) == 0 {
			return at, err
		}
		for some := range slices.Chunk(targets, fanOutPage) {
			if err := a.reevaluatePage(ctx, some, reason, &at); err != nil {
				return at, err
			}
			at.After = some[len(some)-1].String()
			reached.Store(at)
		}
	}
}

// reevaluatePage has the endpoints woken before the watchers: what is to be notified
// comes before what is to be shown.
func (a *Activities) reevaluatePage(ctx context.Context, targets []image.Target, reason watcher.WakeReason, at *watch.Reevaluated) error {
	var mu sync.Mutex
	concerned := make([]bool, len(targets))
	var endpoints []string
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(reevaluations)
	for i, target := range targets {
		group.Go(func() (err error) {
			var notified []string
			notified, concerned[i], err = a.reevaluateTag(inner, target)
			mu.Lock()
			defer mu.Unlock()
			endpoints = append(endpoints, notified...)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	slices.Sort(endpoints)
	if err := a.WakeEndpoints(ctx, slices.Compact(endpoints)); err != nil {
		return err
	}
	for i, target := range targets {
		if !concerned[i] {
			at.Evaluated++
			continue
		}
		if err := a.Watchers.WakeTag(ctx, target, reason); err != nil {
			return err
		}
		at.Woken++
		if err := a.room(ctx, at.Woken); err != nil {
			return err
		}
	}
	return nil
}

// reevaluateTag names the endpoints that have something to tell, and says whether
// the tag's watcher has to know.
func (a *Activities) reevaluateTag(ctx context.Context, target image.Target) (endpoints []string, concerned bool, err error) {
	view, err := a.Store.View(ctx, target)
	if err != nil || !view.Watched {
		return nil, false, err
	}
	if !onlyEvaluationDiffers(view) {
		return nil, true, nil
	}
	if view.State.Basis.Bundle == view.Bundle && view.State.Basis.Build == view.Build {
		return nil, repeated(ctx), nil // the step may have got this far and not further
	}
	seen, err := a.seen(ctx, watch.RecordRequest{Target: target, Resolved: view.State.Resolved}, view)
	if err == nil {
		var recorded watch.Recorded
		recorded, err = a.store(ctx, target, view, seen)
		endpoints = recorded.Endpoints
		concerned = len(recorded.Notifications) > 0 || !sameOutcome(view.State.Summarize(target), recorded.Summary)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errkind.Unavailable) {
		// It changes right now, or cannot be evaluated: its watcher sees to it, and the
		// others are not held up.
		a.Log.InfoContext(ctx, "tag not evaluated in bulk, watcher woken", "tag", target.String(), "reason", err)
		return nil, true, nil
	}
	return endpoints, concerned, err
}

// onlyEvaluationDiffers reports that an outcome needs nothing but an evaluation. Newer
// data are no obstacle: stored findings are always of the current ones, and few
// images are touched by a move, so that most tags lag behind until their next resync.
func onlyEvaluationDiffers(view watch.RecordView) bool {
	state := view.State
	return state.Problem == nil && state.Matched && state.Analyzed != "" && state.Analyzed == state.Resolved.Manifest &&
		view.Build != "" && state.Basis.Matcher == view.Matcher
}

// sameOutcome reports that a watcher would show, and wait for, the same.
func sameOutcome(before, after watch.Summary) bool {
	return before.Status == after.Status && before.FinalAction == after.FinalAction && before.Next.Equal(after.Next) &&
		before.Counts == after.Counts && before.Coverage == after.Coverage && before.Matched == after.Matched
}
