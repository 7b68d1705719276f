package main

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

const (
	// signalGap is the least time between two wake-ups of one workflow by steps,
	// signalTimeout bounds one of them.
	signalGap     = 50 * time.Millisecond
	signalTimeout = 30 * time.Second
)

// watchers reaches the workflows for the steps. What many tags wake, as their
// endpoint, is woken once for all that ask at the same time: each signal takes the
// workflow's lock in Temporal, and its own steps would wait behind thousands.
type watchers struct {
	client.Client
	merged *merger
}

func newWatchers(reached client.Client) watchers {
	return watchers{reached, newMerger(signalGap, signalTimeout)}
}

// WakeEndpoint implements activities.Watchers.
func (w watchers) WakeEndpoint(ctx context.Context, name string, reason watcher.WakeReason) error {
	return w.once(ctx, workflows.ServeEndpointID(name), reason, func(ctx context.Context) error { return w.Client.WakeEndpoint(ctx, name, reason) })
}

// WakeRegistry implements activities.Watchers.
func (w watchers) WakeRegistry(ctx context.Context, registry string, reason watcher.WakeReason) error {
	return w.once(ctx, workflows.WatchRegistryID(registry), reason, func(ctx context.Context) error { return w.Client.WakeRegistry(ctx, registry, reason) })
}

// WakeRepository implements activities.Watchers.
func (w watchers) WakeRepository(ctx context.Context, repository image.Repository, reason watcher.WakeReason) error {
	return w.once(ctx, workflows.WatchRepositoryID(repository), reason, func(ctx context.Context) error { return w.Client.WakeRepository(ctx, repository, reason) })
}

// WakeSource implements activities.Watchers.
func (w watchers) WakeSource(ctx context.Context, name string, reason watcher.WakeReason) error {
	return w.once(ctx, workflows.FollowSourceID(name), reason, func(ctx context.Context) error { return w.Client.WakeSource(ctx, name, reason) })
}

func (w watchers) once(ctx context.Context, id string, reason watcher.WakeReason, wake func(context.Context) error) error {
	return w.merged.do(ctx, id+" "+string(reason), wake)
}
