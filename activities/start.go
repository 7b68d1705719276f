package activities

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// startStore keeps what is recorded of new tags, and whose watchers were started.
type startStore interface {
	// NewTags are those of the targets whose watchers were not started yet.
	NewTags(ctx context.Context, targets []image.Target) (map[image.Target]watch.RecordView, error)
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
	made, last := map[image.Target]watch.FirstRecord{}, -1
	return made, a.Store.RecordAll(ctx, tags, func(i int, now watch.RecordView) (watch.Decision, watcher.WakeReason, error) {
		if i <= last { // the transaction is repeated
			clear(made)
		}
		last = i
		target := tags[i]
		found, ready := seen[target]
		if !ready || now.State.Revision > 0 || !now.Like(views[target]) {
			return watch.Decision{}, "", nil
		}
		now.State.Checked = a.now()
		found.Running = now.Running
		decision, err := watch.Decide(target, now.State, found, a.audience(ctx, now), a.now())
		if err == nil {
			made[target] = a.firstRecord(target, now, decision)
		}
		return decision, "", err
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
	ids, err := a.imageIDs(ctx, resolved)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var shared assessments
	seen := map[image.Target]watch.Seen{}
	var group errgroup.Group
	group.SetLimit(wakers)
	for target, view := range views {
		to, asked := resolved[target]
		if !asked || view.State.Revision > 0 {
			continue
		}
		group.Go(func() error {
			found, err := a.firstOf(ctx, &shared, ids[to.Manifest], watch.RecordRequest{Target: target, Resolved: to}, view)
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

// imageIDs are those of the images of new tags that are analyzed.
func (a *Activities) imageIDs(ctx context.Context, resolved map[image.Target]image.Resolved) (map[image.Digest]string, error) {
	ids := map[image.Digest]string{}
	for _, to := range resolved {
		if _, read := ids[to.Manifest]; read {
			continue
		}
		header, err := a.Store.ImageHeader(ctx, to.Manifest)
		if err != nil && !errors.Is(err, errkind.NotFound) {
			return nil, err
		}
		ids[to.Manifest] = header.ImageID
	}
	return ids, nil
}

// firstOf is what a watcher would see of a new tag, whose image has that id.
func (a *Activities) firstOf(ctx context.Context, shared *assessments, id string, request watch.RecordRequest, view watch.RecordView) (watch.Seen, error) {
	pointed := view
	pointed.State.Resolved, pointed.State.Analyzed = request.Resolved, request.Resolved.Manifest
	key, err := a.key(ctx, view.Bundle, acceptance.Key(view.Acceptances), watch.Outcome{Target: request.Target, ImageID: id, View: pointed})
	if err != nil {
		return watch.Seen{}, err
	}
	made, err := shared.once(assessed{request.Resolved.Manifest, key}, func() (assessment, error) { return a.assess(ctx, request, view) })
	if err != nil {
		return watch.Seen{}, err
	}
	return a.seen(ctx, made, request, view)
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
