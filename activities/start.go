package activities

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// startStore keeps what is recorded of new tags, and whose watchers were started.
type startStore interface {
	// NewTags are those of the targets whose watchers were not started yet.
	NewTags(ctx context.Context, targets []image.Target) (map[image.Target]watch.RecordView, error)
	// RecordFirst is Record for new tags of which nothing is recorded yet.
	RecordFirst(ctx context.Context, targets []image.Target, decide func(map[image.Target]watch.RecordView) (map[image.Target]watch.Decision, error)) error
	Started(ctx context.Context, targets []image.Target) error
}

// startTags starts the watchers of those of the tags that were not started yet, and
// returns which. Before, it records what is known of what they point to, a page in one
// transaction: a watcher for which that is all needs one workflow task, and begins to
// rest.
func (a *Activities) startTags(ctx context.Context, tags []image.Target, resolved map[image.Target]image.Resolved) (map[image.Target]bool, error) {
	started := map[image.Target]bool{}
	for page := range slices.Chunk(tags, wakeBatch) {
		views, err := a.Store.NewTags(ctx, page)
		if err != nil {
			return nil, err
		}
		if len(views) == 0 {
			continue
		}
		if err := a.startPage(ctx, views, resolved); err != nil {
			return nil, err
		}
		for target := range views {
			started[target] = true
		}
		if err := a.room(ctx, len(started)); err != nil {
			return nil, err
		}
	}
	return started, nil
}

func (a *Activities) startPage(ctx context.Context, views map[image.Target]watch.RecordView, resolved map[image.Target]image.Resolved) error {
	tags := slices.Collect(maps.Keys(views))
	first, err := a.recordFirst(ctx, tags, views, resolved)
	if err != nil {
		return err
	}
	interrupted := repeated(ctx)
	var endpoints []string
	for target, view := range views {
		interrupted = interrupted || view.State.Revision > 0
		endpoints = append(endpoints, first[target].Recorded.Endpoints...)
	}
	if interrupted { // deliveries may be stored, and nobody woken for them
		if endpoints, err = a.Store.BacklogEndpoints(ctx); err != nil {
			return err
		}
	}
	if err := a.WakeEndpoints(ctx, endpoints); err != nil {
		return err
	}
	err = together(ctx, tags, func(ctx context.Context, target image.Target) error {
		return a.Watchers.StartTag(ctx, target, first[target])
	})
	if err != nil {
		return err
	}
	return a.Store.Started(ctx, tags)
}

// recordFirst makes the first record of tags as their watchers would. What cannot be
// evaluated, or changes meanwhile, is left to the watcher: it holds up no other tag.
func (a *Activities) recordFirst(ctx context.Context, tags []image.Target, views map[image.Target]watch.RecordView, resolved map[image.Target]image.Resolved) (map[image.Target]watch.FirstRecord, error) {
	seen, err := a.firstSeen(ctx, views, resolved)
	if err != nil || len(seen) == 0 {
		return nil, err
	}
	made := map[image.Target]watch.FirstRecord{}
	return made, a.Store.RecordFirst(ctx, tags, func(now map[image.Target]watch.RecordView) (map[image.Target]watch.Decision, error) {
		clear(made)
		decisions := map[image.Target]watch.Decision{}
		for target, view := range now {
			found, ready := seen[target]
			if basis := found.Basis; !ready || basis.Build != view.Build || basis.Matcher != view.Matcher || basis.Bundle != view.Bundle {
				continue
			}
			view.State.Checked = a.now()
			decision, err := watch.Decide(target, view.State, found, a.audience(ctx, view), a.now())
			if err != nil {
				return nil, err
			}
			decisions[target] = decision
			made[target] = a.firstRecord(target, view, decision)
		}
		return decisions, nil
	})
}

// firstRecord is what a watcher begins with. It rests until the next resync, or until
// time alone can change the outcome, if no step is left to do.
func (a *Activities) firstRecord(target image.Target, view watch.RecordView, decision watch.Decision) watch.FirstRecord {
	first := watch.FirstRecord{Recorded: outcome(target, decision), Types: typesOf(view.Subscriptions), Poll: cmp.Or(view.Poll, a.Poll)}
	if !decision.State.Matched {
		return first
	}
	first.Rest = jittered(a.Resync)
	if next := decision.State.Next; !next.IsZero() { // rather too late than too early: the rule is true from then on
		first.Rest = min(first.Rest, max(next.Sub(a.now()), 0)+time.Second)
	}
	return first
}

// firstSeen reads what the store has of the images of new tags. Tags that were not
// resolved are left out.
func (a *Activities) firstSeen(ctx context.Context, views map[image.Target]watch.RecordView, resolved map[image.Target]image.Resolved) (map[image.Target]watch.Seen, error) {
	var mu sync.Mutex
	seen := map[image.Target]watch.Seen{}
	var group errgroup.Group
	group.SetLimit(wakers)
	for target, view := range views {
		to, asked := resolved[target]
		if !asked || view.State.Revision > 0 {
			continue
		}
		group.Go(func() error {
			var found watch.Seen
			request := watch.RecordRequest{Target: target, Resolved: to}
			made, err := a.assess(ctx, request, view)
			if err == nil {
				found, err = a.seen(ctx, made, request, view)
			}
			if err != nil {
				a.Log.InfoContext(ctx, "first record left to the watcher", "tag", target.String(), "reason", err)
				return ctx.Err()
			}
			mu.Lock()
			defer mu.Unlock()
			seen[target] = found
			return nil
		})
	}
	return seen, group.Wait()
}

// resolveAll asks the registries what new tags point to.
func (a *Activities) resolveAll(ctx context.Context, targets []image.Target) (map[image.Target]image.Resolved, map[image.Target]error) {
	var mu sync.Mutex
	resolved, failed := map[image.Target]image.Resolved{}, map[image.Target]error{}
	var group errgroup.Group
	group.SetLimit(pollConcurrency)
	for _, target := range targets {
		group.Go(func() error {
			ctx, cancel := withCheckTimeout(ctx)
			defer cancel()
			found, err := a.Registry.Resolve(ctx, target.Reference, "", target.Platform)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[target] = err
			} else {
				resolved[target] = found
			}
			return nil
		})
	}
	_ = group.Wait() // failed has the errors
	return resolved, failed
}
