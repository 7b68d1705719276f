package activities

import (
	"cmp"
	"context"
	"errors"
	"slices"

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
	defer heartbeat(ctx, func() any { return "listing tags" })()
	listing, err := a.list(ctx, name)
	if errors.Is(err, fault.NotFound) {
		return watch.Listing{}, nil // nobody watches it any more
	}
	return listing, classify(err)
}

func (a *Activities) list(ctx context.Context, name image.Repository) (watch.Listing, error) {
	repository, state, err := a.Store.Repository(ctx, name)
	if err != nil {
		return watch.Listing{}, err
	}
	listing := watch.Listing{Active: true, List: jittered(cmp.Or(repository.List, a.Pass)), Tags: len(state.Tags)}
	tags, err := a.tags(ctx, name, state.Tags)
	if ctx.Err() != nil {
		return listing, ctx.Err()
	}
	if err != nil {
		listing.RetryAfter = retryAfter(err)
		listing.Problem, err = a.listingFailed(ctx, name, state, err)
		return listing, err
	}
	if err := a.tellListed(ctx, repository, state, tags); err != nil {
		return listing, err
	}
	return listing, a.recordListing(ctx, name, tags, &listing)
}

// tags lists all tags; a listing that breaks off says nothing about any.
func (a *Activities) tags(ctx context.Context, name image.Repository, watched []string) ([]string, error) {
	var all []string
	for page, err := range a.Registry.Tags(ctx, name) {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return append(all, a.unlisted(ctx, name, watched, all)...), nil
}

// unlistedProbes is how many of the tags that a list lacks are looked for.
const unlistedProbes = 20

// unlisted are the watched tags that the list lacks although the registry has
// them: a list can lag behind, or come back empty. One that is still there is
// enough to doubt them all; what no look proves gone is not taken for gone.
func (a *Activities) unlisted(ctx context.Context, name image.Repository, watched, listed []string) []string {
	_, missing := watch.DiffTags(watched, slices.Sorted(slices.Values(listed)))
	for _, tag := range missing[:min(len(missing), unlistedProbes)] {
		if _, err := a.Registry.Head(ctx, name.Reference(tag)); !errors.Is(err, fault.NotFound) {
			return missing
		}
	}
	return nil
}

func (a *Activities) recordListing(ctx context.Context, name image.Repository, tags []string, listing *watch.Listing) error {
	var decision watch.RepositoryDecision
	err := a.Store.RecordRepository(ctx, name, func(view watch.RepositoryView) (watch.RepositoryDecision, error) {
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
	if repeated(ctx) {
		// The first time may have stored deliveries and not have come to say so.
		listing.Endpoints, err = a.Store.BacklogEndpoints(ctx)
	}
	return err
}

// tellListed tells the event log that the tags can be listed again, and of those
// whose watch ends.
func (a *Activities) tellListed(ctx context.Context, repository watch.Repository, state watch.RepositoryState, tags []string) error {
	if before := state.Problem; before != nil {
		err := a.log(ctx, event.Logged{Event: "system.repository.list_tags_recovered", Level: event.LevelInfo,
			Message: "Tags in repository can be listed again", Details: map[string]any{"failing_since": before.Since},
			Resource: event.Resource{ID: repository.Name.String(), Kind: "repository"}}, since(before.Since))
		if err != nil {
			return err
		}
	}
	_, removed := watch.DiffTags(state.Tags, repository.Filter.Select(tags))
	for _, tag := range removed {
		target := image.Target{Reference: repository.Name.Reference(tag), Platform: repository.Platform}
		err := a.log(ctx, event.Logged{Event: "system.repository.tag_removed", Level: event.LevelInfo,
			Message:  "Tag is gone from the repository or from what is selected of it; the repository's watch of it ends",
			Resource: event.Resource{ID: target.String(), Kind: "image_tag"}}, since(state.Checked))
		if err != nil {
			return err
		}
	}
	return nil
}

// listingFailed notes a failure in the repository's state, and tells the event
// log once.
func (a *Activities) listingFailed(ctx context.Context, name image.Repository, state watch.RepositoryState, cause error) (*watch.Problem, error) {
	noted := problem(watch.StageResolve, cause, state.Problem, a.now())
	if state.Problem == nil {
		err := a.log(ctx, event.Logged{Event: "system.repository.list_tags_fail", Level: event.LevelError,
			Message:  "Failed to list tags in repository: " + noted.Message,
			Resource: event.Resource{ID: name.String(), Kind: "repository"}}, since(state.Checked))
		if err != nil {
			return noted, err
		}
	}
	return noted, a.Store.RecordRepository(ctx, name, func(view watch.RepositoryView) (watch.RepositoryDecision, error) {
		state := view.State
		state.Problem = noted
		return watch.RepositoryDecision{State: state}, nil
	})
}

// fanOutPage is how many targets are read at a time.
const fanOutPage = 100

// StartWatches starts the watchers of a repository's tags that none has looked
// at yet, and the sweeper of the registry.
func (a *Activities) StartWatches(ctx context.Context, name image.Repository) (int, error) {
	woken, err := a.fanOut(ctx, watch.TargetFilter{Repository: &name, Unobserved: true}, a.Watchers.WakeTag)
	if err != nil {
		return woken, classify(err)
	}
	return woken, classify(a.Watchers.WakeRegistry(ctx, name.Registry))
}

// fanOut tells the watcher of every selected target, page by page. The target
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
			activity.RecordHeartbeat(ctx, at)
		}
	}
}
