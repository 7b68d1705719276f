package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

// Overdue counts, for each endpoint, the pending deliveries that were due before
// that time.
func (s *Store) Overdue(ctx context.Context, before time.Time) (map[string]int, error) {
	counts := map[string]int{}
	err := s.view(ctx, "count overdue deliveries", func(t tx) error {
		rows, err := all[struct {
			Endpoint string
			Late     int
		}](ctx, t, `SELECT endpoint, count(*) AS late FROM delivery WHERE state = 'pending' AND next_try < ? GROUP BY endpoint`, toMicros(before))
		for _, row := range rows {
			counts[row.Endpoint] = row.Late
		}
		return err
	})
	return counts, err
}

const undeliverable = ` state = 'pending' AND endpoint NOT IN (SELECT name FROM endpoint)`

// Undeliverable counts the pending deliveries to endpoints that do not exist: a
// notification may be stored at the moment at which its endpoint is deleted.
func (s *Store) Undeliverable(ctx context.Context) (n int, err error) {
	err = s.view(ctx, "count undeliverable deliveries", func(t tx) (err error) {
		n, err = one[int](ctx, t, `SELECT count(*) FROM delivery WHERE`+undeliverable)
		return err
	})
	return n, err
}

// FailUndeliverable makes failed what is pending for endpoints that do not
// exist, and counts it.
func (s *Store) FailUndeliverable(ctx context.Context) (int, error) {
	var given int64
	err := s.change(ctx, "give up undeliverable deliveries", func(t tx) (err error) {
		given, err = t.exec(ctx, `UPDATE delivery SET state = ?, answer = ? WHERE`+undeliverable,
			string(delivery.Failed), delivery.EndpointDeleted)
		return err
	})
	return int(given), err
}
