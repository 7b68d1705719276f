package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Totals are the numbers that a monitoring system watches.
type Totals struct {
	// TagsByStatus counts targets by policy status; "" for those not evaluated.
	TagsByStatus        map[string]int
	DeliveriesByState   map[string]int
	NotificationsByType map[string]int
	// Failing counts targets with a problem.
	Failing int
	// FeedBuilt is when the current vulnerability data were built; zero without.
	FeedBuilt time.Time
}

// Totals counts everything at one moment.
func (s *Store) Totals(ctx context.Context) (Totals, error) {
	var totals Totals
	err := s.view(ctx, "count", func(t tx) (err error) {
		if totals.TagsByStatus, err = t.counts(ctx, `SELECT coalesce(status, '') AS name, count(*) AS number
			FROM target LEFT JOIN target_state ON target_state.target = target.name GROUP BY coalesce(status, '')`); err != nil {
			return err
		}
		if totals.DeliveriesByState, err = t.counts(ctx, `SELECT state AS name, count(*) AS number FROM delivery GROUP BY state`); err != nil {
			return err
		}
		if totals.NotificationsByType, err = t.counts(ctx, `SELECT type AS name, count(*) AS number FROM notification GROUP BY type`); err != nil {
			return err
		}
		if totals.Failing, err = one[int](ctx, t, `SELECT count(*) FROM target_state WHERE problem <> ''`); err != nil {
			return err
		}
		totals.FeedBuilt, err = t.feedBuilt(ctx)
		return err
	})
	return totals, err
}

type countRow struct {
	Name   string
	Number int
}

// counts reads numbers by name; the query calls its columns name and number.
func (t tx) counts(ctx context.Context, query string) (map[string]int, error) {
	rows, err := all[countRow](ctx, t, query)
	counts := make(map[string]int, len(rows))
	for _, row := range rows {
		counts[row.Name] = row.Number
	}
	return counts, err
}

func (t tx) feedBuilt(ctx context.Context) (time.Time, error) {
	description, err := t.currentGeneration(ctx)
	return description.Built, err
}

// currentGeneration is zero without any data.
func (t tx) currentGeneration(ctx context.Context) (vuln.Description, error) {
	content, found, err := first[string](ctx, t, `SELECT content FROM feed_generation JOIN feed ON feed.generation = feed_generation.checksum`)
	if err != nil || !found {
		return vuln.Description{}, err
	}
	return parse[vuln.Description](content)
}
