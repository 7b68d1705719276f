package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// repositoryStore keeps the watched repositories.
type repositoryStore interface {
	Repository(ctx context.Context, name image.Repository) (taglist.Repository, taglist.State, error)
	// WatchedNames are the names by which tags of a repository are watched, where these
	// are not its own.
	WatchedNames(ctx context.Context, name image.Repository) (map[image.Target]image.Target, error)
	RecordRepository(ctx context.Context, name image.Repository, decide func(taglist.View) (taglist.Decision, error)) error
}

// ListTags compares a repository's tags with those that are watched, and
// records the difference: the new tags' subscriptions and one notification. A
// registry that cannot be asked changes nothing.
func (a *Activities) ListTags(ctx context.Context, name image.Repository) (taglist.Listing, error) {
	defer heartbeat(ctx, func() any { return "listing tags" })()
	listing, err := a.list(ctx, name)
	if errors.Is(err, errkind.NotFound) {
		return taglist.Listing{}, nil // nobody watches it any more
	}
	return listing, classify(err)
}

func (a *Activities) list(ctx context.Context, name image.Repository) (taglist.Listing, error) {
	repository, state, err := a.Store.Repository(ctx, name)
	if err != nil {
		return taglist.Listing{}, err
	}
	listing := taglist.Listing{Active: true, List: jittered(cmp.Or(repository.List, a.Resync)), Tags: len(state.Tags)}
	census, err := a.census(ctx, name, state)
	if ctx.Err() != nil {
		return listing, ctx.Err()
	}
	var expected taglist.Decision
	if err == nil {
		expected, err = a.decideListing(ctx, taglist.View{Repository: repository, State: state}, census)
	}
	if err != nil {
		listing.RetryAfter = retryAfter(err)
		listing.Problem, err = a.listingFailed(ctx, name, state, err)
		return listing, err
	}
	if err := a.tellRemoved(ctx, name, state, expected.Removed); err != nil {
		return listing, err
	}
	if err := a.recordListing(ctx, name, census, &listing); err != nil {
		return listing, err
	}
	// Last: a list that was too strange to be believed at once is believed until it is
	// recorded.
	_, err = a.follow(ctx, condition.Wrong(unlistable(name), nil), nil)
	return listing, err
}

func unlistable(name image.Repository) condition.Key {
	return condition.Key{Kind: condition.Unlistable, Resource: condition.Repository, Name: name.String()}
}

func (a *Activities) decideListing(ctx context.Context, view taglist.View, census taglist.Census) (taglist.Decision, error) {
	return taglist.Decide(view, census, subscription.Audience{Account: a.Account.Name, Endpoints: view.Endpoints, RetryWindow: a.Window, Trace: a.trace(ctx)}, a.now())
}

// A listing travels in one message, which is bounded: of new and removed tags
// come the first, and watchers that are not woken find out by themselves that
// their watch has ended.
const (
	listedNames = 100
	listedEnded = 500
)

func (a *Activities) recordListing(ctx context.Context, name image.Repository, census taglist.Census, listing *taglist.Listing) error {
	var decision taglist.Decision
	err := a.Store.RecordRepository(ctx, name, func(view taglist.View) (_ taglist.Decision, err error) {
		decision, err = a.decideListing(ctx, view, census)
		return decision, err
	})
	if err != nil {
		return err
	}
	a.logSuppressed(ctx, name.String(), decision.Suppressed)
	listing.New = decision.Added[:min(len(decision.Added), listedNames)]
	listing.Removed = decision.Removed[:min(len(decision.Removed), listedNames)]
	listing.Ended = decision.Ended[:min(len(decision.Ended), listedEnded)]
	listing.Namesakes = decision.Namesakes[:min(len(decision.Namesakes), listedNames)]
	listing.Tags = len(decision.State.Tags)
	for _, delivery := range decision.Deliveries {
		listing.Endpoints = append(listing.Endpoints, delivery.Endpoint)
	}
	if repeated(ctx) {
		// The first time may have stored deliveries and not have come to say so.
		listing.Endpoints, err = a.Store.BacklogEndpoints(ctx)
	}
	return err
}

// tellRemoved tells the event log which tags are gone.
func (a *Activities) tellRemoved(ctx context.Context, name image.Repository, state taglist.State, removed []string) error {
	if len(removed) == 0 {
		return nil
	}
	return a.log(ctx, notification.Logged{Event: "system.repository.tags_removed", Level: notification.LevelInfo,
		Message:  fmt.Sprintf("%d watched tags are gone from the repository; the repository's watches of them end", len(removed)),
		Details:  map[string]any{"count": len(removed), "tags": removed[:min(len(removed), listedNames)]},
		Resource: notification.Resource{ID: name.String(), Kind: "repository"}}, since(state.Checked))
}

// listingFailed follows a failure. A registry that is out of reach says nothing of the
// list: what was found of that before stands.
func (a *Activities) listingFailed(ctx context.Context, name image.Repository, state taglist.State, cause error) (*condition.Problem, error) {
	noted := problem(a.listingStage(ctx, name, state, cause), cause, state.Problem, a.now())
	if listFault(state.Problem) && !listFault(noted) {
		return noted, nil
	}
	found := noted.Wrong()
	found.Silent = !listFault(noted)
	_, err := a.follow(ctx, condition.Wrong(unlistable(name), found), nil)
	return noted, err
}

// listFault reports whether a problem is about the list of tags: one that was notified.
func listFault(p *condition.Problem) bool {
	return p != nil && (p.Stage == condition.StageList || p.Stage == condition.StageConfirm)
}

// listingStage tells a list that cannot be had from a registry that is out of
// reach. That is its poller's to tell, once for everything at it, and there is
// one as long as a tag is watched.
func (a *Activities) listingStage(ctx context.Context, name image.Repository, state taglist.State, cause error) condition.Stage {
	switch {
	case errors.Is(cause, errStrange):
		return condition.StageConfirm
	case errkind.Permanent(cause) || len(state.Tags) == 0:
		return condition.StageList
	}
	ctx, cancel := withCheckTimeout(ctx)
	defer cancel()
	if _, err := a.Registry.Head(ctx, name.Reference(state.Tags[0])); err != nil && !errkind.Permanent(err) {
		return condition.StageResolve
	}
	return condition.StageList
}

// startedPage is how many tags are started at a time.
const startedPage = 100

// StartWatches starts the watchers of a repository's tags that were not started yet,
// and the poller of the registry.
func (a *Activities) StartWatches(ctx context.Context, name image.Repository) (int, error) {
	var started atomic.Int64
	defer heartbeat(ctx, func() any { return started.Load() })()
	for {
		tags, err := a.Store.Targets(ctx, subscription.TargetFilter{Repository: &name, Unstarted: true, Limit: startedPage})
		if err != nil {
			return 0, classify(err)
		}
		if len(tags) == 0 {
			return int(started.Load()), classify(a.Watchers.WakeRegistry(ctx, name.Registry, watcher.WakeSubscription))
		}
		resolved, _ := a.resolveAll(ctx, tags) // why others cannot be is found by their watchers
		if _, err := a.startTags(ctx, tags, resolved); err != nil {
			return 0, classify(err)
		}
		started.Add(int64(len(tags)))
	}
}
