package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/image"
)

// SeeAnalyzer notes that a worker with that analyzer is at work.
func (s *Store) SeeAnalyzer(ctx context.Context, analyzer string, now time.Time) error {
	return s.change(ctx, "note the analyzer of a worker", func(t tx) error {
		return t.run(ctx, `INSERT INTO analyzer (name, first_seen, last_seen) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET last_seen = CASE WHEN excluded.last_seen > analyzer.last_seen THEN excluded.last_seen ELSE analyzer.last_seen END`,
			analyzer, toMicros(now), toMicros(now))
	})
}

// Analyzers are those that workers have or had.
func (s *Store) Analyzers(ctx context.Context) (analyzers []analysis.AnalyzerSeen, err error) {
	err = s.view(ctx, "list the analyzers of workers", func(t tx) error {
		rows, err := all[matcherRow](ctx, t, `SELECT name, first_seen, last_seen FROM analyzer ORDER BY first_seen, name`)
		for _, row := range rows {
			analyzers = append(analyzers, analysis.AnalyzerSeen{Analyzer: row.Name, First: timeOf(row.FirstSeen), Last: timeOf(row.LastSeen)})
		}
		return err
	})
	return analyzers, err
}

// needed are the images that tags point to, and those that workloads of watched tags run.
const needed = `(SELECT manifest FROM target_state UNION SELECT image FROM ` + runningImages + ` r WHERE manifest <> '')`

// outdated selects the needed images behind a number that another analyzer than this one
// analyzed, or tried to, and that it need not leave alone.
const outdated = ` FROM image i WHERE i.id > ? AND i.analyzer <> ? AND i.digest IN ` + needed + `
	AND NOT EXISTS (SELECT 1 FROM renewal r WHERE r.image_id = i.id AND r.analyzer = ? AND (r.due = 0 OR r.due > ?))`

type renewalRow struct {
	ID       int64
	Digest   string
	Failures int
}

// NextOutdated is the next image behind a number that the analyzer is to analyze
// in place of another, with how many there are and one of the tags that point to
// it or, if none does, of those of its workloads: another one after each failure. It is
// zero when there is none.
func (s *Store) NextOutdated(ctx context.Context, analyzer string, after int64, now time.Time) (next analysis.Renewal, err error) {
	err = s.view(ctx, "look for an image of another analyzer", func(t tx) error {
		selection := []any{after, analyzer, analyzer, toMicros(now)}
		row, found, err := first[renewalRow](ctx, t, `SELECT i.id, i.digest, COALESCE((SELECT failures FROM renewal r
			WHERE r.image_id = i.id AND r.analyzer = ?), 0) AS failures`+outdated+` ORDER BY i.id LIMIT 1`, append([]any{analyzer}, selection...)...)
		if err != nil || !found {
			return err
		}
		left, err := one[int](ctx, t, `SELECT COUNT(*)`+outdated, selection...)
		if err != nil {
			return err
		}
		targets, err := t.pointing(ctx, image.Digest(row.Digest))
		older := len(targets) == 0
		if err == nil && older {
			targets, err = t.targets(ctx, `SELECT DISTINCT target FROM `+runningImages+` r WHERE image = ? AND manifest <> '' ORDER BY target`, row.Digest)
		}
		if err != nil || len(targets) == 0 {
			return err
		}
		next = analysis.Renewal{Number: row.ID, Digest: image.Digest(row.Digest), Target: targets[row.Failures%len(targets)], Older: older, Left: left}
		return nil
	})
	return next, err
}

// RenewalBacklog counts the images that an analyzer has still to check.
func (s *Store) RenewalBacklog(ctx context.Context, analyzer string, now time.Time) (backlog analysis.RenewalBacklog, err error) {
	err = s.view(ctx, "count the images of other analyzers", func(t tx) error {
		backlog, err = one[analysis.RenewalBacklog](ctx, t, `SELECT
			COUNT(CASE WHEN r.image_id IS NULL OR r.due > 0 AND r.due <= ? THEN 1 END) AS due,
			COUNT(CASE WHEN r.due > ? THEN 1 END) AS later,
			COUNT(CASE WHEN r.due = 0 THEN 1 END) AS never
			FROM image i LEFT JOIN renewal r ON r.image_id = i.id AND r.analyzer = ?
			WHERE i.analyzer <> ? AND i.digest IN `+needed, toMicros(now), toMicros(now), analyzer, analyzer)
		return err
	})
	return backlog, err
}

// Pointing are the targets that last pointed to an image.
func (s *Store) Pointing(ctx context.Context, digest image.Digest) (targets []image.Target, err error) {
	err = s.view(ctx, "list the tags of an image", func(t tx) error {
		targets, err = t.pointing(ctx, digest)
		return err
	})
	return targets, err
}

func (t tx) pointing(ctx context.Context, digest image.Digest) ([]image.Target, error) {
	return t.targets(ctx, `SELECT target FROM target_state WHERE manifest = ? ORDER BY target`, string(digest))
}

// NoteRenewal remembers that an analyzer could not renew an image: decide makes
// of the failures so far how many count, and when it is tried again.
func (s *Store) NoteRenewal(ctx context.Context, digest image.Digest, analyzer string, decide func(failures int) (int, time.Time)) error {
	return s.change(ctx, "note the failed renewal of "+string(digest), func(t tx) error {
		row, err := t.image(ctx, digest)
		if err != nil {
			return err
		}
		before, _, err := first[int](ctx, t, `SELECT failures FROM renewal WHERE image_id = ? AND analyzer = ?`, row.ID, analyzer)
		if err != nil {
			return err
		}
		failures, due := decide(before)
		return t.run(ctx, `INSERT INTO renewal (image_id, analyzer, failures, due) VALUES (?, ?, ?, ?)
			ON CONFLICT (image_id) DO UPDATE SET analyzer = excluded.analyzer, failures = excluded.failures, due = excluded.due`,
			row.ID, analyzer, failures, toMicros(due))
	})
}
