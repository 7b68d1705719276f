package activities

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// Sources reads what sources list.
type Sources interface {
	// Read finds the references of a source. Version is that of the reading before.
	Read(ctx context.Context, s source.Source, version string) (source.Reading, error)
	// Watch calls changed whenever what Read finds may have changed, and once when it
	// begins to watch. It returns when it cannot any more.
	Watch(ctx context.Context, s source.Source, changed func()) error
}

// sourceStore keeps the sources.
type sourceStore interface {
	Source(ctx context.Context, name string) (source.Source, source.State, error)
	Sources(ctx context.Context) ([]source.Source, error)
	SourceView(ctx context.Context, name string, found []source.Found) (source.View, error)
	NamesInUse(ctx context.Context, found []source.Found) (map[image.Target]image.Target, error)
	RecordSource(ctx context.Context, name string, found []source.Found, decide func(source.View) (source.Decision, error)) error
	SaveForms(ctx context.Context, forms workload.Forms, asked time.Time) error
}

// ReadSource reads a source, compares what it lists with what it brought, and records
// the difference: subscriptions that begin and end. A source that cannot be read changes
// nothing.
func (a *Activities) ReadSource(ctx context.Context, name string) (source.Listing, error) {
	defer heartbeat(ctx, func() any { return "reading the source" })()
	listing, err := a.readSource(ctx, name)
	if errors.Is(err, errkind.NotFound) {
		return source.Listing{}, nil // it was removed
	}
	return listing, classify(err)
}

func (a *Activities) readSource(ctx context.Context, name string) (source.Listing, error) {
	stored, state, err := a.Store.Source(ctx, name)
	if err != nil {
		return source.Listing{}, err
	}
	listing := source.Listing{Active: true, List: jittered(cmp.Or(stored.List, a.Resync)), Tags: len(state.Members)}
	reading, err := a.Sources.Read(ctx, stored, state.Known())
	if ctx.Err() != nil {
		return listing, ctx.Err()
	}
	if reading.Unchanged {
		reading.Found = state.Found
	}
	var found *condition.Found
	if err == nil {
		// Too many tags are the source's fault; other failures are the store's.
		if found, err = a.recordReading(ctx, stored, reading, &listing); err != nil && !errors.Is(err, errkind.Limit) {
			return listing, err
		}
	}
	if err != nil {
		listing.Problem = source.Fault(err, state.Problem, a.now())
		found = listing.Problem.Wrong()
		if !errkind.Permanent(err) {
			found.For = outageFor
		}
	}
	_, err = a.follow(ctx, condition.Wrong(unreadable(name), found), nil)
	return listing, err
}

func unreadable(name string) condition.Key {
	return condition.Key{Kind: condition.Unreadable, Resource: condition.Source, Name: name}
}

// recordReading stores what a reading decides, and returns what of it is not believed.
func (a *Activities) recordReading(ctx context.Context, stored source.Source, reading source.Reading, listing *source.Listing) (*condition.Found, error) {
	var decision source.Decision
	asked := identification{}
	record := func(view source.View) (_ source.Decision, err error) {
		if decision, err = source.Decide(view, reading.Found, reading.Version, a.now()); err != nil {
			return decision, err
		}
		if len(asked.left(decision.Questions())) > 0 {
			return decision, errUnasked
		}
		audience := subscription.Audience{Trace: a.trace(ctx), Account: a.Account.Name, Endpoints: view.Endpoints, RetryWindow: a.Window}
		return decision, decision.Announce(view, audience)
	}
	err := a.Store.RecordSource(ctx, stored.Name, reading.Found, record)
	for errors.Is(err, errUnasked) {
		if err := a.identify(ctx, asked, decision.Questions()); err != nil {
			return nil, err
		}
		err = a.Store.RecordSource(ctx, stored.Name, reading.Found, record)
	}
	if err != nil {
		return nil, err
	}
	if _, err := a.follow(ctx, condition.Wrong(unidentified(stored.Name), asked.found(decision.Waiting)), nil); err != nil {
		return nil, err
	}
	if err := a.notifiedOf(ctx, decision, listing); err != nil {
		return nil, err
	}
	listing.Tags, listing.Problem = len(decision.State.Members), decision.Problem
	if stored.Kind.Streamed() && (decision.State.Leaving() || reading.Changing || asked.passing(decision.Waiting)) {
		listing.List = min(listing.List, changingWait)
	}
	for _, each := range decision.State.Found {
		if !each.Followed() {
			listing.NotFollowed++
		}
	}
	listing.Added = decision.Added[:min(len(decision.Added), listedNames)]
	listing.Ended = decision.Ended[:min(len(decision.Ended), listedEnded)]
	listing.Renewed = decision.Renewed[:min(len(decision.Renewed), listedEnded)]
	return decision.Problem.Wrong(), nil
}

// notifiedOf notes which endpoints have deliveries, and logs who is not notified.
func (a *Activities) notifiedOf(ctx context.Context, decision source.Decision, listing *source.Listing) (err error) {
	for target, suppressed := range decision.Suppressed {
		a.logSuppressed(ctx, target.String(), suppressed)
	}
	for _, delivery := range decision.Deliveries {
		if !slices.Contains(listing.Endpoints, delivery.Endpoint) {
			listing.Endpoints = append(listing.Endpoints, delivery.Endpoint)
		}
	}
	if repeated(ctx) {
		// The first time may have stored deliveries and not have come to say so.
		listing.Endpoints, err = a.Store.BacklogEndpoints(ctx)
	}
	return err
}

// PlanSource reads a source with those settings and reports what it would bring. It
// stores nothing.
func (a *Activities) PlanSource(ctx context.Context, asked source.Source) (source.Plan, error) {
	defer heartbeat(ctx, func() any { return "reading the source" })()
	plan, err := a.planSource(ctx, asked)
	return plan, classifyAsked(err)
}

func (a *Activities) planSource(ctx context.Context, asked source.Source) (source.Plan, error) {
	endpoints, err := a.Store.Endpoints(ctx)
	if err != nil {
		return source.Plan{}, err
	}
	if err := asked.Validate(endpoints); err != nil {
		return source.Plan{}, err
	}
	reading, err := a.Sources.Read(ctx, asked, "")
	if err != nil {
		return source.Plan{}, err
	}
	view, err := a.Store.SourceView(ctx, asked.Name, reading.Found)
	if errors.Is(err, errkind.NotFound) {
		view, err = source.View{Endpoints: endpoints}, nil
		view.Watched, err = a.Store.NamesInUse(ctx, reading.Found)
	}
	if err != nil {
		return source.Plan{}, err
	}
	view.Source = asked
	return view.Explain(reading.Found, a.now())
}

// StartSourceWatches starts the watchers of a source's tags that were not started yet,
// and the pollers of their registries.
func (a *Activities) StartSourceWatches(ctx context.Context, name string) (int, error) {
	var started atomic.Int64
	defer heartbeat(ctx, func() any { return started.Load() })()
	registries := map[string]bool{}
	for {
		tags, err := a.Store.Targets(ctx, subscription.TargetFilter{Source: name, Unstarted: true, Limit: startedPage})
		if err != nil {
			return 0, classify(err)
		}
		if len(tags) == 0 {
			break
		}
		resolved, _ := a.resolveAll(ctx, tags) // why others cannot be is found by their watchers
		if _, err := a.startTags(ctx, tags, resolved); err != nil {
			return 0, classify(err)
		}
		for _, tag := range tags {
			registries[tag.Reference.Registry] = true
		}
		started.Add(int64(len(tags)))
	}
	for registry := range registries {
		if err := a.Watchers.WakeRegistry(ctx, registry, watcher.WakeSubscription); err != nil {
			return 0, classify(err)
		}
	}
	return int(started.Load()), nil
}
