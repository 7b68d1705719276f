package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// Prune removes what nobody will ask for any more: images that were analyzed
// before that time and that no target points to, groups of packages of no image,
// notifications created before that time that are not still to be delivered, and
// deactivated subscriptions and parked states that were last changed before it.
func (s *Store) Prune(ctx context.Context, before time.Time) (watch.Pruned, error) {
	var pruned watch.Pruned
	err := s.change(ctx, "prune", func(t tx) (err error) {
		if pruned.Images, err = t.exec(ctx, `DELETE FROM image WHERE analyzed < ?
			AND digest NOT IN (SELECT manifest FROM target_state) AND digest NOT IN (SELECT analyzed FROM target_state)`, stamp(before)); err != nil {
			return err
		}
		if pruned.Groups, err = t.exec(ctx, `DELETE FROM package_group
			WHERE NOT EXISTS (SELECT 1 FROM image_group WHERE image_group.group_id = package_group.id)`); err != nil {
			return err
		}
		if pruned.Notifications, err = t.exec(ctx, `DELETE FROM notification WHERE created < ?
			AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.notification = notification.id AND delivery.state = 'pending')`, stamp(before)); err != nil {
			return err
		}
		if err := t.run(ctx, `DELETE FROM parked WHERE parked < ?`, stamp(before)); err != nil {
			return err
		}
		return t.run(ctx, `DELETE FROM subscription WHERE NOT active AND updated < ?`, stamp(before))
	})
	return pruned, err
}
