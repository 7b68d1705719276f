package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// repositoryStore keeps the watched repositories.
type repositoryStore interface {
	Repository(ctx context.Context, name image.Repository) (watch.Repository, watch.RepositoryState, error)
	RecordRepository(ctx context.Context, name image.Repository, decide func(watch.RepositoryView) (watch.RepositoryDecision, error)) error
}

// ListTags compares a repository's tags with those that are watched, and
// records the difference: the new tags' subscriptions and one notification. A
// registry that cannot be asked changes nothing.
func (a *Activities) ListTags(ctx context.Context, name image.Repository) (watch.Listing, error) {
	repository, state, err := a.Store.Repository(ctx, name)
	if errors.Is(err, fault.NotFound) {
		return watch.Listing{}, nil
	}
	if err != nil {
		return watch.Listing{}, classify(err)
	}
	listing := watch.Listing{Active: true, List: jittered(repository.List), Tags: len(state.Tags)}
	tags, err := a.tags(ctx, name)
	if ctx.Err() != nil {
		return listing, classify(ctx.Err())
	}
	if err != nil {
		listing.RetryAfter = retryAfter(err)
		listing.Problem, err = a.listingFailed(ctx, name, err)
		return listing, classify(err)
	}
	return listing, classify(a.recordListing(ctx, name, tags, &listing))
}

// tags lists all tags; a listing that breaks off says nothing about any.
func (a *Activities) tags(ctx context.Context, name image.Repository) ([]string, error) {
	var all []string
	for page, err := range a.Registry.Tags(ctx, name) {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

func (a *Activities) recordListing(ctx context.Context, name image.Repository, tags []string, listing *watch.Listing) error {
	var decision watch.RepositoryDecision
	var before *watch.Problem
	err := a.Store.RecordRepository(ctx, name, func(view watch.RepositoryView) (watch.RepositoryDecision, error) {
		before = view.State.Problem
		var err error
		decision, err = watch.DecideListing(view.Repository, view.State, tags,
			watch.Audience{Account: a.Account.Name, Endpoints: view.Endpoints, Patience: a.Window}, a.now())
		return decision, err
	})
	if err != nil {
		return err
	}
	listing.New, listing.Removed, listing.Ended, listing.Tags = decision.Added, decision.Removed, decision.Ended, len(decision.State.Tags)
	for _, delivery := range decision.Deliveries {
		listing.Endpoints = append(listing.Endpoints, delivery.Endpoint)
	}
	return errors.Join(a.tellRemoved(ctx, decision), a.tellListed(ctx, name, before))
}

// tellRemoved tells the event log of tags whose watch ended because they are
// gone from the registry.
func (a *Activities) tellRemoved(ctx context.Context, decision watch.RepositoryDecision) error {
	for _, target := range decision.Ended {
		err := a.log(ctx, event.Logged{Event: "system.repository.tag_removed", Level: event.LevelInfo,
			Message:  "Tag is gone from the registry, its watch has ended",
			Resource: event.Resource{ID: target.String(), Kind: "image_tag"}}, decision.State.Checked)
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Activities) tellListed(ctx context.Context, name image.Repository, before *watch.Problem) error {
	if before == nil {
		return nil
	}
	return a.log(ctx, event.Logged{Event: "system.repository.list_tags_recovered", Level: event.LevelInfo,
		Message: "Tags in repository can be listed again", Details: map[string]any{"failing_since": before.Since},
		Resource: event.Resource{ID: name.String(), Kind: "repository"}}, before.Since)
}

// listingFailed notes a failure in the repository's state, and tells the event
// log once.
func (a *Activities) listingFailed(ctx context.Context, name image.Repository, cause error) (*watch.Problem, error) {
	var noted, before *watch.Problem
	err := a.Store.RecordRepository(ctx, name, func(view watch.RepositoryView) (watch.RepositoryDecision, error) {
		before = view.State.Problem
		noted = problem(watch.StageResolve, cause, before, a.now())
		state := view.State
		state.Problem = noted
		return watch.RepositoryDecision{State: state}, nil
	})
	if err != nil || before != nil {
		return noted, err
	}
	return noted, a.log(ctx, event.Logged{Event: "system.repository.list_tags_fail", Level: event.LevelError,
		Message: "Failed to list tags in repository: " + noted.Message, Resource: event.Resource{ID: name.String(), Kind: "repository"}}, noted.Since)
}

// fanOutPage is how many watchers are woken between two heartbeats.
const fanOutPage = 100

// StartWatches starts the watchers of a repository's tags that none has looked
// at yet, and the sweeper of the registry.
func (a *Activities) StartWatches(ctx context.Context, name image.Repository) (int, error) {
	woken, err := a.fanOut(ctx, watch.TargetFilter{Repository: &name, Unobserved: true}, a.Watchers.WakeTag)
	if err != nil || woken == 0 {
		return woken, classify(err)
	}
	return woken, classify(a.Watchers.WakeRegistry(ctx, name.Registry))
}

// fanOut tells the watcher of every selected target, page by page. The page
// that was reached travels in the heartbeat: a repeated step goes on from there.
func (a *Activities) fanOut(ctx context.Context, filter watch.TargetFilter, tell func(context.Context, image.Target) error) (int, error) {
	return a.pages(ctx, func(after string) ([]image.Target, error) {
		filter.After, filter.Limit = after, fanOutPage
		return a.Store.Targets(ctx, filter)
	}, tell)
}

// progress is what a fan-out's heartbeat holds.
type progress struct {
	After string
	Woken int
}

func (a *Activities) pages(ctx context.Context, page func(after string) ([]image.Target, error), tell func(context.Context, image.Target) error) (int, error) {
	var at progress
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &at); err != nil {
			at = progress{}
		}
	}
	for {
		targets, err := page(at.After)
		if err != nil || len(targets) == 0 {
			return at.Woken, err
		}
		for _, target := range targets {
			if err := tell(ctx, target); err != nil {
				return at.Woken, err
			}
			at.After, at.Woken = target.String(), at.Woken+1
		}
		activity.RecordHeartbeat(ctx, at)
	}
}
