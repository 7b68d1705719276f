package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

type historyRow struct {
	Target     string
	At         int64
	Critical   int
	High       int
	Medium     int
	Low        int
	Negligible int
	Unknown    int
}

const historyColumns = `target, at, critical, high, medium, low, negligible, unknown`

func (r historyRow) counts() vuln.Counts {
	return vuln.Counts{Critical: r.Critical, High: r.High, Medium: r.Medium, Low: r.Low, Negligible: r.Negligible, Unknown: r.Unknown}
}

// noteCounts adds to the histories of targets whose counts are not those of the last
// row.
func (t tx) noteCounts(ctx context.Context, names []string, states []savedState) error {
	rows, err := allIn[historyRow](ctx, t, `SELECT `+historyColumns+` FROM target_history h WHERE target IN (?)
		AND at = (SELECT max(at) FROM target_history WHERE target = h.target)`, names)
	if err != nil {
		return err
	}
	last := make(map[string]vuln.Counts, len(rows))
	for _, row := range rows {
		last[row.Target] = row.counts()
	}
	var fresh [][]any
	for i, s := range states {
		if before, known := last[names[i]]; s.Matched && !(known && before == s.Counts) {
			c := s.Counts
			fresh = append(fresh, []any{names[i], toMicros(s.Changed), c.Critical, c.High, c.Medium, c.Low, c.Negligible, c.Unknown})
		}
	}
	return t.insert(ctx, `target_history (`+historyColumns+`)`, fresh, `ON CONFLICT (target, at) DO UPDATE SET critical = excluded.critical,
		high = excluded.high, medium = excluded.medium, low = excluded.low, negligible = excluded.negligible, unknown = excluded.unknown`)
}

// Histories are the vulnerability counts of each target over time, the oldest
// first. Targets of which nothing is known are missing.
func (s *Store) Histories(ctx context.Context, targets []image.Target) (map[image.Target][]watch.CountsAt, error) {
	names := make([]string, len(targets))
	for i, target := range targets {
		names[i] = target.String()
	}
	histories := map[image.Target][]watch.CountsAt{}
	err := s.view(ctx, "read histories", func(t tx) error {
		rows, err := allIn[historyRow](ctx, t, `SELECT `+historyColumns+` FROM target_history WHERE target IN (?) ORDER BY target, at`, names)
		if err != nil {
			return err
		}
		for _, row := range rows {
			target, err := image.ParseTarget(row.Target)
			if err != nil {
				return err
			}
			histories[target] = append(histories[target], watch.CountsAt{At: timeOf(row.At), Counts: row.counts()})
		}
		return nil
	})
	return histories, err
}

// pruneHistory removes the rows that were followed by another before that time,
// so that what was so at that time is still known.
func (t tx) pruneHistory(ctx context.Context, before time.Time) error {
	return t.run(ctx, `DELETE FROM target_history WHERE at < ? AND EXISTS (SELECT 1 FROM target_history AS later
		WHERE later.target = target_history.target AND later.at > target_history.at AND later.at <= ?)`, toMicros(before), toMicros(before))
}
