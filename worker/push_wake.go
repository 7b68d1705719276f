package main

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/adapters/push"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

const (
	// wakeGap is the least time between two wake-ups of one workflow by pushes.
	wakeGap = time.Second
	// wakeTimeout bounds one of them.
	wakeTimeout = 10 * time.Second
	// wakesTogether is how many a request has under way.
	wakesTogether = 8
)

// pushed is what a push needs to know of the store.
type pushed interface {
	Targets(context.Context, subscription.TargetFilter) ([]image.Target, error)
	WatchedAs(context.Context, image.Repository) ([]taglist.Repository, error)
	DueNow(ctx context.Context, repository image.Repository, now time.Time) (map[string]int, error)
}

// woken are the workflows that a push reaches.
type woken interface {
	WakeTag(context.Context, image.Target, watcher.WakeReason) error
	WakeRepository(context.Context, image.Repository, watcher.WakeReason) error
	WakeRegistry(context.Context, string, watcher.WakeReason) error
}

// waker turns what registries say into wake-ups. Only what is watched is woken,
// under each of its names, and it looks for itself: a push can be wrong, repeated or
// lost.
type waker struct {
	store  pushed
	reach  woken
	merged *merger
	now    func() time.Time
}

func newWaker(store pushed, reach woken, gap time.Duration, now func() time.Time) *waker {
	return &waker{store: store, reach: reach, merged: newMerger(gap, wakeTimeout), now: now}
}

// wake returns how many tags and repositories are checked for these events.
func (w *waker) wake(ctx context.Context, events []push.Event) (int, error) {
	var count atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(wakesTogether)
	for _, event := range events {
		group.Go(func() error {
			n, err := w.one(ctx, event)
			count.Add(int64(n))
			return err
		})
	}
	err := group.Wait()
	return int(count.Load()), err
}

func (w *waker) one(ctx context.Context, event push.Event) (int, error) {
	if event.Tag == "" {
		return w.all(ctx, event.Repository)
	}
	reference := event.Repository.Reference(event.Tag)
	targets, err := w.store.Targets(ctx, subscription.TargetFilter{Reference: &reference})
	if err != nil {
		return 0, err
	}
	for _, target := range targets {
		err := w.merged.do(ctx, workflows.WatchTagID(target), func(ctx context.Context) error { return w.reach.WakeTag(ctx, target, watcher.WakePush) })
		if err != nil {
			return 0, err
		}
	}
	if len(targets) > 0 {
		return len(targets), nil
	}
	return w.list(ctx, event.Repository, event.Tag)
}

// all has the poll check every watched tag of a repository, within what the
// registry's rate limit allows: there may be thousands.
func (w *waker) all(ctx context.Context, repository image.Repository) (int, error) {
	var due map[string]int
	err := w.merged.do(ctx, "due:"+repository.String(), func(ctx context.Context) (err error) {
		due, err = w.store.DueNow(ctx, repository, w.now())
		if err != nil {
			return err
		}
		for registry := range due {
			if err := w.reach.WakeRegistry(ctx, registry, watcher.WakePush); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	listed, err := w.list(ctx, repository, "")
	for _, targets := range due {
		listed += targets
	}
	return listed, err
}

// list has a watched repository list its tags, if it would watch that one.
func (w *waker) list(ctx context.Context, repository image.Repository, tag string) (listed int, err error) {
	watched, err := w.store.WatchedAs(ctx, repository)
	if err != nil {
		return 0, err
	}
	for _, each := range watched {
		if tag != "" {
			if selected, err := each.Filter.Select([]string{tag}); err == nil && len(selected) == 0 {
				continue
			}
		}
		err := w.merged.do(ctx, workflows.WatchRepositoryID(each.Name), func(ctx context.Context) error { return w.reach.WakeRepository(ctx, each.Name, watcher.WakePush) })
		if err != nil {
			return listed, err
		}
		listed++
	}
	return listed, nil
}
