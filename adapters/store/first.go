package store

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/image"
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
	rows, err := allIn[struct {
		Name     string
		Poll     int64
		Revision int64
	}](ctx, t, `SELECT name, poll, coalesce((SELECT revision FROM target_state WHERE target_state.target = target.name), 0) AS revision
		FROM target WHERE NOT started AND name IN (?)`, names)
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
		view.Acceptances = acceptance.For(view.Acceptances, target.Reference)
		views[target] = view
	}
	return views, nil
}
