package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Prune removes what nobody will ask for any more: images that were analyzed
// before that time, that no target points to and that no workload runs, groups of packages of no image,
// notifications created before that time with no delivery that is pending or was
// given up since, suppressions decided before it, bundles that no evaluation is of, data that were rejected before it, and
// deactivated subscriptions and archived states that were last changed before it, and
// the ages of vulnerabilities that no package has had since.
// Of the histories it keeps what was so at that time.
//
// A delivery to an endpoint that is disabled or fails stays pending for the day
// on which it is back. One that should have been given up before that time is
// given up now, where everybody can see it; one that nobody has tried is left to
// be tried, however old.
func (s *Store) Prune(ctx context.Context, before, now time.Time) (watch.Pruned, error) {
	var pruned watch.Pruned
	err := s.change(ctx, "prune", func(t tx) (err error) {
		if pruned.GivenUp, err = t.giveUpOld(ctx, before, now); err != nil {
			return err
		}
		for _, step := range []struct {
			counted   *int64 // nil for what nobody wants to know
			statement string
			arguments []any
		}{
			{&pruned.Images, `DELETE FROM image WHERE analyzed < ?
				AND digest NOT IN (SELECT manifest FROM target_state) AND digest NOT IN (SELECT analyzed FROM target_state)
				AND digest NOT IN (SELECT image FROM ` + runningImages + ` r)`, []any{toMicros(before)}},
			{&pruned.Groups, `DELETE FROM package_group
				WHERE NOT EXISTS (SELECT 1 FROM image_group WHERE image_group.group_id = package_group.id)`, nil},
			{&pruned.Notifications, `DELETE FROM notification WHERE created < ?
				AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.notification = notification.id AND (delivery.state = 'pending' OR delivery.last_try >= ?))`,
				[]any{toMicros(before), toMicros(before)}},
			{nil, `DELETE FROM bundle_version WHERE saved < ? AND hash NOT IN (SELECT hash FROM bundle)`, []any{toMicros(before)}},
			{nil, `DELETE FROM bundle_content WHERE hash NOT IN (SELECT hash FROM bundle_version) AND hash NOT IN (SELECT bundle FROM target_state)`, nil},
			{nil, `DELETE FROM data_build WHERE state = ? AND saved < ?`, []any{string(databuild.Rejected), toMicros(before)}},
			{nil, `DELETE FROM suppression WHERE decided < ?`, []any{toMicros(before)}},
			{nil, `DELETE FROM reported_form WHERE asked < ? AND digest NOT IN (SELECT digest FROM workload)`, []any{toMicros(before)}},
			{nil, `DELETE FROM archived WHERE archived < ?`, []any{toMicros(before)}},
			{nil, `DELETE FROM subscription WHERE NOT active AND updated < ?`, []any{toMicros(before)}},
		} {
			gone, err := t.exec(ctx, step.statement, step.arguments...)
			if err != nil {
				return err
			}
			if step.counted != nil {
				*step.counted = gone
			}
		}
		if err := t.pruneNames(ctx); err != nil {
			return err
		}
		if err := t.pruneKeyed(ctx, now); err != nil {
			return err
		}
		if err := t.pruneHosts(ctx, now); err != nil {
			return err
		}
		if err := t.pruneAges(ctx, before, now); err != nil {
			return err
		}
		return t.pruneHistory(ctx, before)
	})
	return pruned, err
}

// giveUpOld makes failed what is pending for endpoints that take nothing, and
// should have been given up before that time.
func (t tx) giveUpOld(ctx context.Context, before, now time.Time) (given int64, err error) {
	endpoints, err := t.endpoints(ctx)
	if err != nil {
		return 0, err
	}
	for _, endpoint := range endpoints {
		why := endpoint.State.Refuses(now)
		if why == "" {
			continue
		}
		n, err := t.exec(ctx, `UPDATE delivery SET state = ?, last_try = ?, answer = ? WHERE endpoint = ? AND state = 'pending' AND deadline < ?`,
			string(delivery.Failed), toMicros(now), "given up long after its time: "+why, endpoint.Name, toMicros(before))
		if err != nil {
			return 0, err
		}
		given += n
	}
	return given, nil
}
