package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// noteSubscriptions makes a change and records what it comes to for each of the targets.
func (t tx) noteSubscriptions(ctx context.Context, targets []image.Target, now time.Time, change func() error) error {
	if !noting(ctx) {
		return change()
	}
	before, err := t.subscriptionStates(ctx, targets)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := t.subscriptionStates(ctx, targets)
	if err != nil {
		return err
	}
	changes := make([]audit.Change, len(targets))
	for i, target := range targets {
		was, is := before[target.String()], after[target.String()]
		action := audit.SubscriptionUpdate
		switch {
		case !was.Exists():
			action = audit.SubscriptionCreate
		case !is.Exists():
			action = audit.SubscriptionEnd
		}
		changes[i] = audit.Change{Action: action, Subject: target.String(), Before: was, After: is}
	}
	return t.note(ctx, now, changes...)
}

// subscriptionStates are what the audit trail says of the targets that somebody is
// subscribed to.
func (t tx) subscriptionStates(ctx context.Context, targets []image.Target) (map[string]audit.State, error) {
	active, err := t.activeSubscriptions(ctx, namesOf(targets))
	if err != nil {
		return nil, err
	}
	type interval struct {
		Name string
		Poll int64
	}
	intervals, err := allIn[interval](ctx, t, `SELECT name, poll FROM target WHERE name IN (?)`, namesOf(targets))
	if err != nil {
		return nil, err
	}
	states := map[string]audit.State{}
	for _, each := range intervals {
		if subs := active[each.Name]; len(subs) > 0 {
			states[each.Name] = subscriptionState(subs, durationOf(each.Poll))
		}
	}
	return states, nil
}

// subscriptionState has the options of each type, and the interval unless it is the
// worker's.
func subscriptionState(subs []subscription.Subscription, poll time.Duration) audit.State {
	type subscribed struct {
		subscription.Options
		// Repository is the watched repository that brought it.
		Repository string `json:"repository,omitempty"`
		// Source is the source that brought it.
		Source string `json:"source,omitempty"`
	}
	real, shown := map[string]any{}, map[string]any{}
	for _, sub := range subs {
		brought := repositoryText(sub.Repository)
		real[string(sub.Type)] = subscribed{sub.Options, brought, sub.Source}
		shown[string(sub.Type)] = subscribed{sub.Options.WithoutDockerfile(), brought, sub.Source}
	}
	if poll != 0 {
		real["interval"], shown["interval"] = poll.String(), poll.String()
	}
	return audit.Hiding(real, shown)
}
