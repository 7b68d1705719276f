package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

type lookRow struct {
	Name     string
	Seen     string
	Recorded string
	Problem  string
	Poll     int64
	Due      int64
}

func (r lookRow) look() (watch.Look, error) {
	target, err := image.ParseTarget(r.Name)
	if err != nil {
		return watch.Look{}, err
	}
	noted, err := parseOptional[watch.Problem](r.Problem)
	return watch.Look{Target: target, Seen: image.Digest(r.Seen), Recorded: image.Digest(r.Recorded),
		Failing: noted != nil && noted.Stage == watch.StageResolve, Poll: span(r.Poll), Next: moment(r.Due)}, err
}

// Due lists targets of the registry that are to be looked at by now, the longest
// due first. One that no sweep has looked at yet was seen as it is recorded.
func (s *Store) Due(ctx context.Context, registry string, now time.Time, limit int) ([]watch.Look, error) {
	var looks []watch.Look
	err := s.view(ctx, "list due targets of "+registry, func(t tx) error {
		rows, err := all[lookRow](ctx, t, `SELECT name, poll, due,
			CASE WHEN seen <> '' THEN seen WHEN polled = 0 AND index_digest <> '' THEN index_digest WHEN polled = 0 THEN coalesce(manifest, '') ELSE '' END AS seen,
			CASE WHEN index_digest <> '' THEN index_digest ELSE coalesce(manifest, '') END AS recorded, coalesce(problem, '') AS problem
			FROM target LEFT JOIN target_state ON target_state.target = target.name
			WHERE registry = ? AND due <= ? ORDER BY due, name LIMIT ?`, registry, stamp(now), limitOf(limit))
		if err != nil {
			return err
		}
		looks, err = convert(rows, lookRow.look)
		return err
	})
	return looks, err
}

// Looked stores what each look saw and when the next is due. Targets that are
// gone meanwhile are ignored.
func (s *Store) Looked(ctx context.Context, looks []watch.Look) error {
	return s.change(ctx, "record looks", func(t tx) error {
		for _, look := range looks {
			if err := t.run(ctx, `UPDATE target SET seen = ?, due = ?, poll_interval = ?, polled = CASE WHEN polled > ? THEN polled ELSE ? END WHERE name = ?`,
				string(look.Seen), stamp(look.Next), look.Every.Microseconds(), stamp(look.Answered), stamp(look.Answered), look.Target.String()); err != nil {
				return err
			}
		}
		return nil
	})
}

// DueNow has every target of the repository looked at by the next sweep, and
// tells how many that are.
func (s *Store) DueNow(ctx context.Context, repository image.Repository, now time.Time) (targets int, err error) {
	err = s.change(ctx, "have "+repository.String()+" looked at", func(t tx) error {
		found, err := t.exec(ctx, `UPDATE target SET due = CASE WHEN due > ? THEN ? ELSE due END WHERE repository = ?`,
			stamp(now), stamp(now), repository.String())
		targets = int(found)
		return err
	})
	return targets, err
}

// NextDue is what is due at the registry.
func (s *Store) NextDue(ctx context.Context, registry string) (polls watch.Polls, err error) {
	err = s.view(ctx, "find the next due target of "+registry, func(t tx) error {
		row, err := one[struct {
			Due      int64
			Tags     int
			Shortest int64
			Ordinary int
		}](ctx, t, `SELECT coalesce(min(due), 0) AS due, count(*) AS tags, coalesce(min(CASE WHEN poll > 0 THEN poll END), 0) AS shortest,
			count(CASE WHEN poll = 0 THEN 1 END) AS ordinary FROM target WHERE registry = ?`, registry)
		polls = watch.Polls{Next: moment(row.Due), Tags: row.Tags, Shortest: span(row.Shortest), Ordinary: row.Ordinary}
		return err
	})
	return polls, err
}
