package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// SeeEngine notes that a worker with that matcher is at work.
func (s *Store) SeeEngine(ctx context.Context, matcher vuln.Matcher, now time.Time) error {
	return s.change(ctx, "note the matcher of a worker", func(t tx) error {
		return t.run(ctx, `INSERT INTO matcher (name, first_seen, last_seen) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET last_seen = CASE WHEN excluded.last_seen > matcher.last_seen THEN excluded.last_seen ELSE matcher.last_seen END`,
			string(matcher), toMicros(now), toMicros(now))
	})
}

type matcherRow struct {
	Name      string
	FirstSeen int64 `db:"first_seen"`
	LastSeen  int64 `db:"last_seen"`
}

// Matchers are the matchers that workers have or had.
func (s *Store) Matchers(ctx context.Context) (matchers []databuild.MatcherSeen, err error) {
	err = s.view(ctx, "list the matchers of workers", func(t tx) error {
		rows, err := all[matcherRow](ctx, t, `SELECT name, first_seen, last_seen FROM matcher ORDER BY first_seen, name`)
		for _, row := range rows {
			matchers = append(matchers, databuild.MatcherSeen{Matcher: vuln.Matcher(row.Name), First: timeOf(row.FirstSeen), Last: timeOf(row.LastSeen)})
		}
		return err
	})
	return matchers, err
}
