package activities

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// reconcileStore keeps what should run.
type reconcileStore interface {
	Registries(ctx context.Context) ([]string, error)
	Repositories(ctx context.Context) ([]taglist.Repository, error)
	// Overdue counts, for each endpoint, the pending deliveries that were due
	// before that time.
	Overdue(ctx context.Context, before time.Time) (map[string]int, error)
	// Undeliverable counts the pending deliveries to endpoints that do not exist;
	// FailUndeliverable makes them failed.
	Undeliverable(ctx context.Context) (int, error)
	FailUndeliverable(ctx context.Context) (int, error)
}

// comparePage is how many targets are read at a time.
const comparePage = 1000

// RestoreTemporal makes sure that Temporal knows the search attributes and the
// schedules, which are lost with its data.
func (a *Activities) RestoreTemporal(ctx context.Context, _ watcher.ReconcileRequest) error {
	return classify(a.Restore(ctx))
}

// CompareWatchers wakes the watchers of a kind that should run and do not, and
// those that run although nothing is asked of them: these find that out and end.
// A wake-up more does no harm, so a repeated step just begins anew.
func (a *Activities) CompareWatchers(ctx context.Context, request watcher.CompareRequest) (watcher.Compared, error) {
	c := comparison{Activities: a, request: request, result: watcher.Compared{Kind: request.Kind}}
	defer heartbeat(ctx, c.progress)()
	err := c.run(ctx)
	return c.result, classify(err)
}

// comparison lives within one call of CompareWatchers.
type comparison struct {
	*Activities
	request watcher.CompareRequest
	result  watcher.Compared
	checked atomic.Int64
	woken   int
}

func (c *comparison) progress() any { return fmt.Sprintf("%d compared", c.checked.Load()) }

func (c *comparison) run(ctx context.Context) error {
	running, err := c.Watchers.Running(ctx, c.request.Kind)
	if err != nil {
		return err
	}
	for wanted, err := range c.wanted(ctx) {
		if err != nil {
			return err
		}
		c.result.Wanted++
		c.checked.Add(1)
		found, runs := running[wanted.Name]
		delete(running, wanted.Name)
		if err := c.wantedWatcher(ctx, wanted, found, runs); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		if err := c.stray(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// wantedWatcher starts a watcher that does not run, and has one that runs set the
// search attributes that it lacks.
func (c *comparison) wantedWatcher(ctx context.Context, wanted watcher.Wanted, found watcher.Running, runs bool) error {
	switch {
	case !runs:
		return c.missing(ctx, wanted.Name)
	case !found.Lacks(wanted):
		return nil
	}
	c.result.Unlabeled++
	return c.wake(ctx, wanted.Name, watcher.WakeAttributes)
}

// wanted are the watchers that should run.
func (c *comparison) wanted(ctx context.Context) iter.Seq2[watcher.Wanted, error] {
	switch c.request.Kind {
	case watcher.Tag:
		return c.tags(ctx)
	case watcher.Registry:
		return names(ctx, c.Store.Registries, func(host string) string { return host })
	case watcher.Repository:
		return names(ctx, c.Store.Repositories, func(r taglist.Repository) string { return r.Name.String() })
	case watcher.Source:
		return names(ctx, c.Store.Sources, func(s source.Source) string { return s.Name })
	}
	return names(ctx, c.Store.Endpoints, func(e endpoint.Endpoint) string { return e.Name })
}

// tags reads the targets page by page.
func (c *comparison) tags(ctx context.Context) iter.Seq2[watcher.Wanted, error] {
	return func(yield func(watcher.Wanted, error) bool) {
		for filter := (subscription.TargetFilter{Limit: comparePage}); ; {
			page, err := c.Store.Summaries(ctx, filter)
			if err != nil {
				yield(watcher.Wanted{}, err)
				return
			}
			for _, known := range page {
				filter.After = known.Target.String()
				if !yield(watcher.Wanted{Name: filter.After, Outcome: known.Analyzed != ""}, nil) {
					return
				}
			}
			if len(page) < comparePage {
				return
			}
		}
	}
}

func names[T any](ctx context.Context, list func(context.Context) ([]T, error), name func(T) string) iter.Seq2[watcher.Wanted, error] {
	return func(yield func(watcher.Wanted, error) bool) {
		found, err := list(ctx)
		if err != nil {
			yield(watcher.Wanted{}, err)
			return
		}
		for _, one := range found {
			if !yield(watcher.Wanted{Name: name(one)}, nil) {
				return
			}
		}
	}
}

// missing checks again before it wakes: a watcher that has just begun is not yet
// on Temporal's list.
func (c *comparison) missing(ctx context.Context, name string) error {
	runs, err := c.Watchers.Runs(ctx, c.request.Kind, name)
	if err != nil || runs {
		return err
	}
	c.result.Miss(name)
	return c.wake(ctx, name, watcher.WakeMissing)
}

// stray checks again before it wakes: somebody may have subscribed meanwhile.
func (c *comparison) stray(ctx context.Context, name string) error {
	if c.request.Kind == watcher.Tag {
		target, err := image.ParseTarget(name)
		if err != nil {
			return err
		}
		if view, err := c.Store.View(ctx, target); err != nil || view.Watched {
			return err
		}
	}
	runs, err := c.Watchers.Runs(ctx, c.request.Kind, name)
	if err != nil || !runs {
		return err
	}
	c.result.Excess(name)
	return c.wake(ctx, name, watcher.WakeMissing)
}

func (c *comparison) wake(ctx context.Context, name string, reason watcher.WakeReason) error {
	if c.request.DryRun {
		return nil
	}
	switch c.request.Kind {
	case watcher.Tag:
		target, err := image.ParseTarget(name)
		if err != nil {
			return err
		}
		if err := c.Watchers.WakeTag(ctx, target, reason); err != nil {
			return err
		}
		if err := c.Store.Started(ctx, []image.Target{target}); err != nil {
			return err
		}
		c.woken++
		return c.room(ctx, c.woken)
	case watcher.Registry:
		return c.Watchers.WakeRegistry(ctx, name, reason)
	case watcher.Repository:
		repository, err := image.ParseRepository(name)
		if err != nil {
			return err
		}
		return c.Watchers.WakeRepository(ctx, repository, reason)
	case watcher.Source:
		return c.Watchers.WakeSource(ctx, name, reason)
	}
	return c.Watchers.WakeEndpoint(ctx, name, reason)
}

// overdue is how late an attempt may be at an endpoint that takes what comes.
const overdue = 10 * time.Minute

// CompareDeliveries wakes the endpoints whose deliveries should have been tried
// long ago, and gives those up whose endpoint was deleted while they were made.
func (a *Activities) CompareDeliveries(ctx context.Context, request watcher.ReconcileRequest) (watcher.DeliveriesCompared, error) {
	defer heartbeat(ctx, func() any { return "counting" })()
	result, err := a.compareDeliveries(ctx, request.DryRun)
	return result, classify(err)
}

func (a *Activities) compareDeliveries(ctx context.Context, dryRun bool) (result watcher.DeliveriesCompared, err error) {
	undeliverable := a.Store.FailUndeliverable
	if dryRun {
		undeliverable = a.Store.Undeliverable
	}
	if result.Undeliverable, err = undeliverable(ctx); err != nil {
		return result, err
	}
	if !dryRun {
		if err := a.announceAllGivenUp(ctx); err != nil {
			return result, err
		}
	}
	late, err := a.Store.Overdue(ctx, a.now().Add(-overdue))
	if err != nil {
		return result, err
	}
	endpoints, err := a.Store.Endpoints(ctx)
	if err != nil {
		return result, err
	}
	for _, endpoint := range endpoints {
		if late[endpoint.Name] == 0 || waits(endpoint) {
			continue
		}
		result.Overdue += late[endpoint.Name]
		if dryRun {
			continue
		}
		if err := a.Watchers.WakeEndpoint(ctx, endpoint.Name, watcher.WakeDelivery); err != nil {
			return result, err
		}
	}
	return result, nil
}

// waits reports that an endpoint has a reason not to be tried.
func waits(endpoint endpoint.Endpoint) bool {
	return endpoint.State.Disabled || endpoint.State.Failing() || endpoint.Paced()
}
