package store

import (
	"context"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// View reads what a decision about the target is made from.
func (s *Store) View(ctx context.Context, target image.Target) (watch.RecordView, error) {
	var view watch.RecordView
	err := s.view(ctx, "read "+target.String(), func(t tx) (err error) {
		view, err = t.recordView(ctx, target)
		return err
	})
	return view, err
}

func (t tx) recordView(ctx context.Context, target image.Target) (watch.RecordView, error) {
	views, err := t.recordViews(ctx, []image.Target{target})
	if err != nil {
		return watch.RecordView{}, err
	}
	return views[0], nil
}

// recordViews reads the views of several targets, in their order.
func (t tx) recordViews(ctx context.Context, targets []image.Target) ([]watch.RecordView, error) {
	names := namesOf(targets)
	polls, err := allIn[pollRow](ctx, t, `SELECT name, poll FROM target WHERE name IN (?) ORDER BY name`+t.locking, names)
	if err != nil {
		return nil, err
	}
	states, err := t.states(ctx, names)
	if err != nil {
		return nil, err
	}
	subscribed, err := t.activeSubscriptions(ctx, names)
	if err != nil {
		return nil, err
	}
	common, err := t.global(ctx)
	if err != nil {
		return nil, err
	}
	if common.Endpoints, err = t.endpoints(ctx); err != nil {
		return nil, err
	}
	concerned, err := t.concerned(ctx, common.Acceptances, analyzedOf(states))
	if err != nil {
		return nil, err
	}
	running, err := t.instances(ctx, targets)
	if err != nil {
		return nil, err
	}
	watched := make(map[string]int64, len(polls))
	for _, row := range polls {
		watched[row.Name] = row.Poll
	}
	views := make([]watch.RecordView, len(targets))
	for i, name := range names {
		views[i] = common
		if poll, is := watched[name]; is {
			views[i].Watched, views[i].Poll = true, durationOf(poll)
			views[i].State, views[i].Subscriptions, views[i].Running = states[name], subscribed[name], running[targets[i]]
			concerned.addTo(&views[i], targets[i])
		}
	}
	return views, nil
}

type pollRow struct {
	Name string
	Poll int64
}

// global is what a view holds that is the same for all targets, but for the endpoints. Its
// acceptances are those for any target.
func (t tx) global(ctx context.Context) (view watch.RecordView, err error) {
	current, err := t.feed(ctx)
	if err != nil {
		return view, err
	}
	view.Build, view.Matcher = current.Build, vuln.Matcher(current.Matcher)
	if view.Bundle, err = t.activeBundle(ctx); err != nil {
		return view, err
	}
	view.Acceptances, err = t.acceptances(ctx)
	return view, err
}

func namesOf[T fmt.Stringer](named []T) []string {
	names := make([]string, len(named))
	for i, each := range named {
		names[i] = each.String()
	}
	return names
}

// activeSubscriptions are those of several targets, by the targets' names.
func (t tx) activeSubscriptions(ctx context.Context, names []string) (map[string][]subscription.Subscription, error) {
	rows, err := allIn[subscriptionRow](ctx, t, `SELECT `+subscriptionColumns+` FROM subscription
		WHERE active AND target IN (?) ORDER BY target, type`, names)
	if err != nil {
		return nil, err
	}
	found := map[string][]subscription.Subscription{}
	for _, row := range rows {
		s, err := row.subscription()
		if err != nil {
			return nil, err
		}
		found[row.Target] = append(found[row.Target], s)
	}
	return found, nil
}

// Record lets decide make the target's next state from what is stored and writes
// it together with its notifications, deliveries and suppressions, in one transaction that no
// other about the target overlaps. A change whose Revision is not above the
// stored one was recorded before and is dropped. Decide may be called more than
// once; it must do nothing but decide. errkind.NotFound for a change of a target
// that nobody is subscribed to any more.
func (s *Store) Record(ctx context.Context, target image.Target, decide func(watch.RecordView) (watch.Decision, error)) error {
	return s.change(ctx, "record "+target.String(), func(t tx) error {
		view, err := t.recordView(ctx, target)
		if err != nil {
			return err
		}
		change, err := decide(view)
		if err != nil || change.State.Revision <= view.State.Revision {
			return err
		}
		if !view.Watched {
			return fmt.Errorf("it is not watched: %w", errkind.NotFound)
		}
		if err := t.saveStates(ctx, savedState{target, change.State}); err != nil {
			return err
		}
		if err := t.suppress(ctx, target.String(), change.Made, change.Suppressed); err != nil {
			return err
		}
		return t.announce(ctx, change)
	})
}

// announce stores what a decision notifies.
func (t tx) announce(ctx context.Context, change watch.Decision) error {
	if err := t.tell(ctx, change.Notifications, change.Deliveries); err != nil {
		return err
	}
	return t.gather(ctx, change.PendingSummary)
}
