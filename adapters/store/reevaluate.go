package store

import (
	"cmp"
	"context"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// affectedOutcomes are those whose image holds a package about which a build brought
// news, or is of a distribution of which it has other data than the one before, and
// those of another matcher.
const affectedOutcomes = `(s.analyzed IN (` + affectedImages + ` UNION
	SELECT i.digest FROM coverage c JOIN image i ON i.distribution = c.distribution WHERE c.changed = ?)
	OR s.matcher <> (SELECT matcher FROM feed))`

type outcomeRow struct {
	stateRow
	ImageID string `db:"image_id"`
}

// Outcomes lists what was recorded of targets of which an image is analyzed, without
// their documents, by image and then by target.
func (s *Store) Outcomes(ctx context.Context, filter watch.OutcomeFilter) ([]watch.Outcome, error) {
	where, args := `s.analyzed <> ''`, []any{}
	if filter.Build != "" {
		where, args = where+` AND `+affectedOutcomes, []any{filter.Build, filter.Build}
	}
	var outcomes []watch.Outcome
	err := s.view(ctx, "list outcomes", func(t tx) error {
		rows, err := all[outcomeRow](ctx, t, `SELECT s.target, `+stateColumns+`, coalesce((SELECT config FROM image WHERE digest = s.analyzed), '') AS image_id
			FROM target_state s WHERE `+where+` AND (s.analyzed, s.target) > (?, ?)
			ORDER BY s.analyzed, s.target LIMIT ?`, append(args, string(filter.After.Image), filter.After.Target, limitOf(filter.Limit))...)
		if err != nil {
			return err
		}
		outcomes, err = t.outcomes(ctx, rows)
		return err
	})
	return outcomes, err
}

func (t tx) outcomes(ctx context.Context, rows []outcomeRow) ([]watch.Outcome, error) {
	common, err := t.global(ctx)
	if err != nil {
		return nil, err
	}
	if common.Endpoints, err = t.endpoints(ctx); err != nil {
		return nil, err
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.Target
	}
	subscribed, err := t.activeSubscriptions(ctx, names)
	if err != nil {
		return nil, err
	}
	images := make([]string, len(rows))
	for i, row := range rows {
		images[i] = row.Analyzed
	}
	concerned, err := t.concerned(ctx, common.Acceptances, images)
	if err != nil {
		return nil, err
	}
	return convert(rows, func(row outcomeRow) (watch.Outcome, error) {
		view := common
		view.Watched, view.Subscriptions = true, subscribed[row.Target]
		if view.State, err = row.state(); err != nil {
			return watch.Outcome{}, err
		}
		target, err := image.ParseTarget(row.Target)
		concerned.addTo(&view, target)
		return watch.Outcome{Target: target, ImageID: row.ImageID, View: view}, err
	})
}

// KeepOutcomes has the outcomes of targets that one bundle made be those of another,
// which comes to the same.
func (s *Store) KeepOutcomes(ctx context.Context, from, to string, targets []image.Target) error {
	return s.change(ctx, "keep outcomes", func(t tx) error {
		return runIn(ctx, t, `UPDATE target_state SET bundle = ? WHERE bundle = ? AND target IN (?)`, namesOf(targets), to, from)
	})
}

// RecordAll is Record for several targets in one transaction. Decide gets the position
// of the target, and says beside its decision why the watcher is to be woken; "" if it
// is not; a wake-up that is owed already stays so. Targets that nobody is subscribed to
// any more are left out.
func (s *Store) RecordAll(ctx context.Context, targets []image.Target, decide func(int, watch.RecordView) (watch.Decision, watcher.WakeReason, error)) error {
	return s.change(ctx, "record evaluations", func(t tx) error {
		views, err := t.recordViews(ctx, targets)
		if err != nil {
			return err
		}
		before, err := t.owedOf(ctx, targets)
		if err != nil {
			return err
		}
		var all watch.Decision
		var states []savedState
		suppressed := decisionsOf{}
		owed := map[watcher.WakeReason][]image.Target{}
		for i, target := range targets {
			if !views[i].Watched {
				continue
			}
			change, wake, err := decide(i, views[i])
			if err != nil {
				return err
			}
			if wake = cmp.Or(wake, before[target.String()]); wake != "" {
				owed[wake] = append(owed[wake], target)
			}
			if change.State.Revision <= views[i].State.Revision {
				continue
			}
			states = append(states, savedState{target, change.State})
			suppressed[target.String()] = suppressedAt{change.Made, change.Suppressed}
			all.Notifications = append(all.Notifications, change.Notifications...)
			all.Deliveries = append(all.Deliveries, change.Deliveries...)
			all.PendingSummary = append(all.PendingSummary, change.PendingSummary...)
		}
		if err := t.saveStates(ctx, states...); err != nil {
			return err
		}
		if err := t.suppressAll(ctx, suppressed); err != nil {
			return err
		}
		for reason, targets := range owed {
			if err := runIn(ctx, t, `UPDATE target_state SET wake = ? WHERE target IN (?)`, namesOf(targets), string(reason)); err != nil {
				return err
			}
		}
		// At the end: others wait for the number of a notification.
		return t.announce(ctx, all)
	})
}

// owedOf are the wake-ups that watchers of the targets are owed, by target.
func (t tx) owedOf(ctx context.Context, targets []image.Target) (map[string]watcher.WakeReason, error) {
	rows, err := allIn[owedRow](ctx, t, `SELECT target, wake, revision FROM target_state WHERE wake <> '' AND target IN (?)`, namesOf(targets))
	owed := make(map[string]watcher.WakeReason, len(rows))
	for _, row := range rows {
		owed[row.Target] = watcher.WakeReason(row.Wake)
	}
	return owed, err
}

type owedRow struct {
	Target, Wake string
	Revision     int64
}

// OwedWakes lists targets whose watchers are to be woken.
func (s *Store) OwedWakes(ctx context.Context, limit int) (owed []watch.OwedWake, err error) {
	err = s.view(ctx, "list watchers to be woken", func(t tx) error {
		rows, err := all[owedRow](ctx, t, `SELECT target, wake, revision FROM target_state WHERE wake <> '' ORDER BY target LIMIT ?`, limit)
		if err != nil {
			return err
		}
		owed, err = convert(rows, func(row owedRow) (watch.OwedWake, error) {
			target, err := image.ParseTarget(row.Target)
			return watch.OwedWake{Target: target, Reason: watcher.WakeReason(row.Wake), Revision: row.Revision}, err
		})
		return err
	})
	return owed, err
}

// Woke notes that watchers were woken. One whose target was recorded since is still
// owed what came of that.
func (s *Store) Woke(ctx context.Context, owed []watch.OwedWake) error {
	return s.change(ctx, "note the watchers that were woken", func(t tx) error {
		for _, o := range owed {
			if err := t.run(ctx, `UPDATE target_state SET wake = '' WHERE target = ? AND revision = ? AND wake = ?`,
				o.Target.String(), o.Revision, string(o.Reason)); err != nil {
				return err
			}
		}
		return nil
	})
}
