package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// subscriptionStore keeps who subscribed to what.
type subscriptionStore interface {
	Subscribe(ctx context.Context, subscriptions []subscription.Subscription, poll time.Duration, now time.Time) error
	SubscriptionsOf(ctx context.Context, targets []image.Target) (map[image.Target][]subscription.Subscription, error)
	Endpoints(ctx context.Context) ([]endpoint.Endpoint, error)
	Namesakes(ctx context.Context, target image.Target) ([]image.Target, error)
}

// Subscribe verifies that the tags exist, stores their subscriptions in one
// transaction, and starts their watchers. Its answer has one entry for each target,
// in order; a tag that is refused does not hold up the others. Repeating it changes
// nothing, and starts what is not started yet.
func (a *Activities) Subscribe(ctx context.Context, request subscription.Request) ([]subscription.Result, error) {
	defer heartbeat(ctx, func() any { return "subscribing" })()
	answers, err := a.subscribe(ctx, request)
	return answers, classify(err)
}

func (a *Activities) subscribe(ctx context.Context, request subscription.Request) ([]subscription.Result, error) {
	endpoints, err := a.Store.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	if err := request.Validate(endpoints); err != nil {
		return nil, err
	}
	answers, resolved := a.checkRequest(ctx, request)
	accepted := subscription.Accepted(answers)
	if ctx.Err() != nil || len(accepted) == 0 {
		return answers, ctx.Err()
	}
	before, err := a.Store.SubscriptionsOf(ctx, accepted)
	if err != nil {
		return nil, err
	}
	if err := a.Store.Subscribe(audit.As(ctx, request.By), request.Subscriptions(accepted), request.Poll, a.now()); err != nil {
		return nil, err
	}
	stored, err := a.Store.SubscriptionsOf(ctx, accepted)
	if err != nil {
		return nil, err
	}
	begun, err := a.startTags(ctx, accepted, resolved)
	if err != nil {
		return nil, err
	}
	for i := range answers {
		if each := &answers[i]; each.Refused == nil {
			each.Already, each.Types = !begun[each.Target], typesOf(stored[each.Target])
			each.Replaced = subscription.Replaced(before[each.Target], request.Subscriptions([]image.Target{each.Target}))
			each.Endpoints = request.Recipients(each.Target, endpoints)
		}
	}
	return answers, a.wakeSubscribed(ctx, accepted, begun)
}

// checkRequest decides of each tag whether it is refused, and returns what the others
// point to unless that is not to be asked.
func (a *Activities) checkRequest(ctx context.Context, request subscription.Request) ([]subscription.Result, map[image.Target]image.Resolved) {
	answers := make([]subscription.Result, len(request.Targets))
	var resolved map[image.Target]image.Resolved
	failed := map[image.Target]error{}
	if !request.Unverified {
		resolved, failed = a.resolveAll(ctx, request.Targets)
	}
	accepted := map[image.Target]bool{}
	for i, target := range request.Targets {
		answers[i] = subscription.Result{Target: target, Resolved: resolved[target]}
		if err := cmp.Or(a.oneName(ctx, target, accepted), failed[target]); err != nil {
			answers[i].Refused = problem(condition.StageResolve, err, nil, a.now())
		}
		accepted[target] = answers[i].Refused == nil
	}
	return answers, resolved
}

// oneName refuses a tag that is watched under another of its names, or was accepted under
// it in the same request: everything would be notified twice.
func (a *Activities) oneName(ctx context.Context, target image.Target, accepted map[image.Target]bool) error {
	watched, err := a.Store.Namesakes(ctx, target)
	for _, name := range target.Names() {
		if accepted[name] {
			watched = append(watched, name)
		}
	}
	if err != nil || len(watched) == 0 || slices.Contains(watched, target) {
		return err
	}
	return fmt.Errorf("%s is already subscribed as %s; use that name: %w", target, watched[0], errkind.Invalid)
}

// wakeSubscribed has the pollers find new tags, and the watchers of tags that were
// watched before find their new options.
func (a *Activities) wakeSubscribed(ctx context.Context, accepted []image.Target, begun map[image.Target]bool) error {
	before := slices.DeleteFunc(slices.Clone(accepted), func(target image.Target) bool { return begun[target] })
	if err := a.wakeTags(ctx, before, watcher.WakeSubscription); err != nil {
		return err
	}
	hosts := map[string]bool{}
	for _, target := range accepted {
		hosts[target.Reference.Registry] = true
	}
	for host := range hosts {
		if err := a.Watchers.WakeRegistry(ctx, host, watcher.WakeSubscription); err != nil {
			return err
		}
	}
	return nil
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
