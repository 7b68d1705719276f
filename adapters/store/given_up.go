package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

// GivenUp sums up, for each endpoint, the deliveries that were given up since that
// time. An endpoint without any is left out, and so is what was given up for an
// earlier endpoint of the same name.
func (s *Store) GivenUp(ctx context.Context, since time.Time) (map[string]delivery.GivenUp, error) {
	var lost map[string]delivery.GivenUp
	err := s.view(ctx, "count what was given up", func(t tx) (err error) {
		lost, err = t.givenUp(ctx, since)
		return err
	})
	return lost, err
}

func (t tx) givenUp(ctx context.Context, since time.Time) (map[string]delivery.GivenUp, error) {
	rows, err := all[struct {
		Endpoint string
		Number   int
		Last     int64
		Answer   string
	}](ctx, t, `SELECT endpoint, number, last, answer FROM (
			SELECT d.endpoint AS endpoint, d.last_try AS last, d.answer AS answer,
				count(*) OVER (PARTITION BY d.endpoint) AS number,
				row_number() OVER (PARTITION BY d.endpoint ORDER BY d.last_try DESC, d.id DESC) AS place
			FROM delivery d JOIN endpoint e ON e.name = d.endpoint AND d.last_try >= e.created
			WHERE d.state = 'failed' AND d.last_try >= ?) AS lost
		WHERE place = 1`, toMicros(since))
	lost := make(map[string]delivery.GivenUp, len(rows))
	for _, row := range rows {
		lost[row.Endpoint] = delivery.GivenUp{Count: row.Number, Last: timeOf(row.Last), Answer: row.Answer}
	}
	return lost, err
}

// Unannounced lists deliveries to the endpoint that were given up and that the
// event log does not know of, the oldest first.
func (s *Store) Unannounced(ctx context.Context, endpoint string, limit int) ([]delivery.Due, error) {
	var lost []delivery.Due
	err := s.view(ctx, "list what was given up for "+endpoint, func(t tx) (err error) {
		lost, err = t.due(ctx, `d.endpoint = ? AND d.state = 'failed' AND NOT d.announced`, limitOf(limit), endpoint)
		return err
	})
	return lost, err
}

// UnannouncedEndpoints lists the names of the endpoints, deleted ones included,
// that have [Store.Unannounced] deliveries.
func (s *Store) UnannouncedEndpoints(ctx context.Context) ([]string, error) {
	var names []string
	err := s.view(ctx, "list endpoints with what was given up", func(t tx) (err error) {
		names, err = all[string](ctx, t, `SELECT DISTINCT endpoint FROM delivery WHERE state = 'failed' AND NOT announced ORDER BY endpoint`)
		return err
	})
	return names, err
}

// Announced notes that the event log knows that deliveries were given up.
func (s *Store) Announced(ctx context.Context, deliveries []int64) error {
	return s.change(ctx, "note what was given up", func(t tx) error {
		return runIn(ctx, t, `UPDATE delivery SET announced = TRUE WHERE state = 'failed' AND id IN (?)`, deliveries)
	})
}
