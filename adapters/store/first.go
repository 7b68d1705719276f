package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// NewTags are Views of those of the targets whose watchers were not started yet. Of
// their states they have the revision only.
func (s *Store) NewTags(ctx context.Context, targets []image.Target) (views map[image.Target]watch.RecordView, err error) {
	err = s.view(ctx, "read new tags", func(t tx) error {
		views, err = t.newTags(ctx, targets)
		return err
	})
	return views, err
}

func (t tx) newTags(ctx context.Context, targets []image.Target) (map[image.Target]watch.RecordView, error) {
	names := namesOf(targets)
	slices.Sort(names) // one order of locking for everybody
	rows, err := allIn[struct {
		Name     string
		Poll     int64
		Revision int64
	}](ctx, t, `SELECT name, poll, coalesce((SELECT revision FROM target_state WHERE target_state.target = target.name), 0) AS revision
		FROM target WHERE NOT started AND name IN (?) ORDER BY name`+t.locking, names)
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
	subscribed, err := t.activeSubscriptions(ctx, names)
	if err != nil {
		return nil, err
	}
	views := make(map[image.Target]watch.RecordView, len(rows))
	for _, row := range rows {
		target, err := image.ParseTarget(row.Name)
		if err != nil {
			return nil, err
		}
		view := common
		view.Watched, view.Poll, view.State.Revision, view.Subscriptions = true, durationOf(row.Poll), row.Revision, subscribed[row.Name]
		views[target] = view
	}
	return views, nil
}

// RecordFirst is Record for those of NewTags of which nothing is recorded yet. Others
// are missing in what decide gets, and are not to be in what it returns.
func (s *Store) RecordFirst(ctx context.Context, targets []image.Target, decide func(map[image.Target]watch.RecordView) (map[image.Target]watch.Decision, error)) error {
	return s.change(ctx, "record new tags", func(t tx) error {
		views, err := t.newTags(ctx, targets)
		if err != nil {
			return err
		}
		maps.DeleteFunc(views, func(_ image.Target, view watch.RecordView) bool { return view.State.Revision > 0 })
		decisions, err := decide(views)
		if err != nil || len(decisions) == 0 {
			return err
		}
		return t.saveFirst(ctx, decisions)
	})
}

func (t tx) saveFirst(ctx context.Context, decisions map[image.Target]watch.Decision) error {
	var states []savedState
	suppressed := decisionsOf{}
	var notifications []notification.Notification
	var deliveries []delivery.Delivery
	for _, target := range slices.SortedFunc(maps.Keys(decisions), func(a, b image.Target) int { return strings.Compare(a.String(), b.String()) }) {
		decision := decisions[target]
		states = append(states, savedState{target, decision.State})
		notifications = append(notifications, decision.Notifications...)
		deliveries = append(deliveries, decision.Deliveries...)
		suppressed[target.String()] = suppressedAt{decision.Made, decision.Suppressed}
	}
	if err := t.saveStates(ctx, states...); err != nil {
		return err
	}
	if err := t.suppressAll(ctx, suppressed); err != nil {
		return err
	}
	return t.tell(ctx, notifications, deliveries)
}
