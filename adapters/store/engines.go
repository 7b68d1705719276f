package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// SeeEngine notes that a worker with that matcher is at work.
func (s *Store) SeeEngine(ctx context.Context, engine vuln.Engine, now time.Time) error {
	return s.change(ctx, "note the matcher of a worker", func(t tx) error {
		return t.run(ctx, `INSERT INTO engine (name, first_seen, last_seen) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET last_seen = CASE WHEN excluded.last_seen > engine.last_seen THEN excluded.last_seen ELSE engine.last_seen END`,
			string(engine), stamp(now), stamp(now))
	})
}

type engineRow struct {
	Name      string
	FirstSeen int64 `db:"first_seen"`
	LastSeen  int64 `db:"last_seen"`
}

// Engines are the matchers that workers have or had.
func (s *Store) Engines(ctx context.Context) (engines []watch.EngineSeen, err error) {
	err = s.view(ctx, "list the matchers of workers", func(t tx) error {
		rows, err := all[engineRow](ctx, t, `SELECT name, first_seen, last_seen FROM engine ORDER BY first_seen, name`)
		for _, row := range rows {
			engines = append(engines, watch.EngineSeen{Engine: vuln.Engine(row.Name), First: moment(row.FirstSeen), Last: moment(row.LastSeen)})
		}
		return err
	})
	return engines, err
}
