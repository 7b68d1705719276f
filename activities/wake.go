package activities

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// Watchers reaches the workflows.
type Watchers interface {
	// StartTag starts the watcher of a tag with its first record, if it is made. One that
	// runs already is woken.
	StartTag(ctx context.Context, target image.Target, first watch.FirstRecord) error
	// The Wake methods start a workflow that does not run.
	WakeTag(ctx context.Context, target image.Target, reason watcher.WakeReason) error
	WakeRegistry(ctx context.Context, registry string, reason watcher.WakeReason) error
	WakeRepository(ctx context.Context, repository image.Repository, reason watcher.WakeReason) error
	WakeSource(ctx context.Context, name string, reason watcher.WakeReason) error
	WakeEndpoint(ctx context.Context, name string, reason watcher.WakeReason) error
	RequestAnalysis(ctx context.Context, request analysis.Request) error
	// Room returns when few enough steps of watchers wait for a worker.
	Room(ctx context.Context) error
	// Running are the names of the watchers of a kind that run, as of moments ago;
	// Runs tells of one as of now.
	Running(ctx context.Context, kind watcher.Kind) (map[string]watcher.Running, error)
	Runs(ctx context.Context, kind watcher.Kind, name string) (bool, error)
}

// WakeTags wakes the watchers of tags whose subscriptions ended.
func (a *Activities) WakeTags(ctx context.Context, targets []image.Target) error {
	return classify(a.wakeTags(ctx, targets, watcher.WakeSubscription))
}

func (a *Activities) wakeTags(ctx context.Context, targets []image.Target, reason watcher.WakeReason) error {
	return together(ctx, targets, func(ctx context.Context, target image.Target) error { return a.Watchers.WakeTag(ctx, target, reason) })
}

// WakeEndpoints tells endpoints that deliveries wait for them.
func (a *Activities) WakeEndpoints(ctx context.Context, names []string) error {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if err := a.Watchers.WakeEndpoint(ctx, name, watcher.WakeDelivery); err != nil {
			return classify(err)
		}
	}
	return nil
}

// together does something for each target, several at a time, until one fails.
func together(ctx context.Context, targets []image.Target, do func(context.Context, image.Target) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(wakers)
	for _, target := range targets {
		group.Go(func() error { return do(ctx, target) })
	}
	return group.Wait()
}
