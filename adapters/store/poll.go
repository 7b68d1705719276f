package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
)

type checkRow struct {
	Name     string
	Seen     string
	Recorded string
	Failing  bool
	Started  bool
	Poll     int64
	Due      int64
}

func (r checkRow) check() (polling.Check, error) {
	target, err := image.ParseTarget(r.Name)
	if err != nil {
		return polling.Check{}, err
	}
	return polling.Check{Target: target, Seen: image.Digest(r.Seen), Recorded: image.Digest(r.Recorded),
		Failing: r.Failing, Unstarted: !r.Started, Poll: durationOf(r.Poll), Next: timeOf(r.Due)}, nil
}

// Due lists targets of the registry that are to be checked by now, the longest
// due first. One that no poll has checked yet was seen as it is recorded.
func (s *Store) Due(ctx context.Context, registry string, now time.Time, limit int) ([]polling.Check, error) {
	var checks []polling.Check
	err := s.view(ctx, "list due targets of "+registry, func(t tx) error {
		rows, err := all[checkRow](ctx, t, `SELECT target.name, poll, due, started,
			CASE WHEN seen <> '' THEN seen WHEN polled = 0 AND index_digest <> '' THEN index_digest WHEN polled = 0 THEN coalesce(manifest, '') ELSE '' END AS seen,
			CASE WHEN index_digest <> '' THEN index_digest ELSE coalesce(manifest, '') END AS recorded, EXISTS (SELECT 1 FROM condition WHERE kind = 'unresolved' AND resource = 'tag' AND condition.name = target.name) AS failing
			FROM target LEFT JOIN target_state ON target_state.target = target.name
			WHERE registry = ? AND due <= ? ORDER BY due, target.name LIMIT ?`, registry, toMicros(now), limitOf(limit))
		if err != nil {
			return err
		}
		checks, err = convert(rows, checkRow.check)
		return err
	})
	return checks, err
}

// Checked stores what each check saw and when the next is due. Targets that are
// gone meanwhile are ignored.
func (s *Store) Checked(ctx context.Context, checks []polling.Check) error {
	rows := make([][]any, len(checks))
	for i, check := range checks {
		rows[i] = []any{check.Target.String(), string(check.Seen), toMicros(check.Next), check.Every.Microseconds(), toMicros(check.Answered)}
	}
	return s.change(ctx, "record checks", func(t tx) error {
		return t.update(ctx, `UPDATE target SET seen = column2, due = column3, poll_interval = column4,
			polled = CASE WHEN polled > column5 THEN polled ELSE column5 END`, `target.name = column1`, rows)
	})
}

// DueNow has every target of the repository, under any of its names, checked by the
// next poll, and counts them by registry.
func (s *Store) DueNow(ctx context.Context, repository image.Repository, now time.Time) (targets map[string]int, err error) {
	err = s.change(ctx, "have "+repository.String()+" checked", func(t tx) error {
		targets = map[string]int{}
		found, err := allIn[string](ctx, t, `UPDATE target SET due = CASE WHEN due > ? THEN ? ELSE due END WHERE repository IN (?) RETURNING registry`,
			namesOf(repository.Names()), toMicros(now), toMicros(now))
		for _, registry := range found {
			targets[registry]++
		}
		return err
	})
	return targets, err
}

// NextDue is what is due at the registry.
func (s *Store) NextDue(ctx context.Context, registry string) (polls polling.Polls, err error) {
	err = s.view(ctx, "find the next due target of "+registry, func(t tx) error {
		row, err := one[struct {
			Due      int64
			Tags     int
			Shortest int64
			Ordinary int
		}](ctx, t, `SELECT coalesce(min(due), 0) AS due, count(*) AS tags, coalesce(min(CASE WHEN poll > 0 THEN poll END), 0) AS shortest,
			count(CASE WHEN poll = 0 THEN 1 END) AS ordinary FROM target WHERE registry = ?`, registry)
		polls = polling.Polls{Next: timeOf(row.Due), Tags: row.Tags, Shortest: durationOf(row.Shortest), Ordinary: row.Ordinary}
		return err
	})
	return polls, err
}
