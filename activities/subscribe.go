package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// maxDockerfile bounds a Dockerfile that comes with a subscription, in bytes.
const maxDockerfile = 64 << 10

// minPoll is the shortest interval at which a tag may be checked.
const minPoll = 30 * time.Second

// subscriptionStore keeps who wants to be notified of what.
type subscriptionStore interface {
	Subscribe(ctx context.Context, subscriptions []subscription.Subscription, poll time.Duration, now time.Time) error
	Unsubscribe(ctx context.Context, target image.Target, types []notification.Type, now time.Time) (left int, err error)
	Subscriptions(ctx context.Context, filter subscription.Filter) ([]subscription.Subscription, error)
	Endpoints(ctx context.Context) ([]endpoint.Endpoint, error)
	Namesakes(ctx context.Context, target image.Target) ([]image.Target, error)
}

// Watchers reaches the workflows.
type Watchers interface {
	// The Wake methods start a workflow that does not run.
	WakeTag(ctx context.Context, target image.Target, reason watcher.WakeReason) error
	WakeRegistry(ctx context.Context, registry string, reason watcher.WakeReason) error
	WakeRepository(ctx context.Context, repository image.Repository, reason watcher.WakeReason) error
	WakeEndpoint(ctx context.Context, name string, reason watcher.WakeReason) error
	RequestAnalysis(ctx context.Context, request analysis.Request) error
	// Room returns when few enough steps of watchers wait for a worker.
	Room(ctx context.Context) error
	// Running are the names of the watchers of a kind that run, as of moments ago;
	// Runs tells of one as of now.
	Running(ctx context.Context, kind watcher.Kind) (map[string]watcher.Running, error)
	Runs(ctx context.Context, kind watcher.Kind, name string) (bool, error)
}

// Subscribe stores subscriptions of a tag. A tag that does not exist, or may
// not be read, is refused before anything is stored.
func (a *Activities) Subscribe(ctx context.Context, request subscription.Request) (subscription.Result, error) {
	result, err := a.subscribe(ctx, request)
	return result, classifyAsked(err)
}

func (a *Activities) subscribe(ctx context.Context, request subscription.Request) (subscription.Result, error) {
	var result subscription.Result
	if request.Poll != 0 && request.Poll < minPoll {
		return result, fmt.Errorf("interval %s is too short: a tag is checked every %s at most: %w", request.Poll, minPoll, errkind.Invalid)
	}
	if len(request.Options.Dockerfile) > maxDockerfile {
		return result, fmt.Errorf("the Dockerfile has %d bytes, more than %d: %w", len(request.Options.Dockerfile), maxDockerfile, errkind.Limit)
	}
	if err := a.oneName(ctx, request.Target); err != nil {
		return result, err
	}
	endpoints, err := a.Store.Endpoints(ctx)
	if err != nil {
		return result, err
	}
	if err := known(request.Options.Endpoints, endpoints); err != nil {
		return result, err
	}
	if !request.Unverified {
		result.Resolved, err = a.verify(ctx, request.Target)
		if err != nil {
			return result, err
		}
	}
	if err := a.Store.Subscribe(ctx, subscriptions(request, a.now()), request.Poll, a.now()); err != nil {
		return result, err
	}
	result.Endpoints = notified(request, endpoints)
	result.Types, err = a.subscribed(ctx, request.Target)
	if err != nil {
		return result, err
	}
	return result, a.Watchers.WakeRegistry(ctx, request.Target.Reference.Registry, watcher.WakeSubscription)
}

// oneName refuses a tag that is watched under another of its names: everything
// would be notified twice.
func (a *Activities) oneName(ctx context.Context, target image.Target) error {
	watched, err := a.Store.Namesakes(ctx, target)
	if err != nil || len(watched) == 0 || slices.Contains(watched, target) {
		return err
	}
	return fmt.Errorf("%s is already subscribed as %s; use that name: %w", target, watched[0], errkind.Invalid)
}

func (a *Activities) verify(ctx context.Context, target image.Target) (image.Resolved, error) {
	ctx, cancel := withCheckTimeout(ctx)
	defer cancel()
	return a.Registry.Resolve(ctx, target.Reference, "", target.Platform)
}

func subscriptions(request subscription.Request, now time.Time) []subscription.Subscription {
	list := make([]subscription.Subscription, len(request.Types))
	for i, t := range request.Types {
		list[i] = subscription.Subscription{Target: request.Target, Type: t, Active: true, Options: request.Options, Created: now, Updated: now}
	}
	return list
}

// known refuses the name of an endpoint that does not exist.
func known(names []string, endpoints []endpoint.Endpoint) error {
	for _, name := range names {
		if !slices.ContainsFunc(endpoints, func(e endpoint.Endpoint) bool { return e.Name == name }) {
			return fmt.Errorf("endpoint %q not found; add it with: tagwatch endpoint add %s URL: %w", name, name, errkind.NotFound)
		}
	}
	return nil
}

// notified names the endpoints that a subscription reaches today.
func notified(request subscription.Request, endpoints []endpoint.Endpoint) []string {
	var names []string
	for _, t := range request.Types {
		names = append(names, subscription.Route(request.Options, t, request.Target.String(), endpoints)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *Activities) subscribed(ctx context.Context, target image.Target) ([]notification.Type, error) {
	stored, err := a.Store.Subscriptions(ctx, subscription.Filter{Target: &target, ActiveOnly: true})
	if err != nil {
		return nil, err
	}
	return typesOf(stored), nil
}

// typesOf lists what subscriptions ask for, sorted.
func typesOf(subscriptions []subscription.Subscription) []notification.Type {
	types := make([]notification.Type, len(subscriptions))
	for i, s := range subscriptions {
		types[i] = s.Type
	}
	slices.Sort(types)
	return types
}

// Unsubscribe ends subscriptions of a tag and returns how many are left.
func (a *Activities) Unsubscribe(ctx context.Context, request subscription.EndRequest) (int, error) {
	left, err := a.Store.Unsubscribe(ctx, request.Target, request.Types, a.now())
	if errors.Is(err, errkind.NotFound) && repeated(ctx) {
		types, err := a.subscribed(ctx, request.Target)
		return len(types), classify(err)
	}
	return left, classify(err)
}

// WakeTags wakes the watchers of tags whose subscriptions ended.
func (a *Activities) WakeTags(ctx context.Context, targets []image.Target) error {
	for _, target := range targets {
		if err := a.Watchers.WakeTag(ctx, target, watcher.WakeSubscription); err != nil {
			return classify(err)
		}
	}
	return nil
}

// WakeEndpoints tells endpoints that deliveries wait for them.
func (a *Activities) WakeEndpoints(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := a.Watchers.WakeEndpoint(ctx, name, watcher.WakeDelivery); err != nil {
			return classify(err)
		}
	}
	return nil
}
