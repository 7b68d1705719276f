package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/overload"
)

// Queues are the work that waits, of each kind.
func (s *Store) Queues(ctx context.Context, now time.Time) (queues []overload.Queue, err error) {
	err = s.view(ctx, "count what waits", func(t tx) error {
		queues, err = t.queues(ctx, now)
		return err
	})
	return queues, err
}

func (t tx) queues(ctx context.Context, now time.Time) ([]overload.Queue, error) {
	lately := toMicros(now.Add(-overload.Span))
	var queues []overload.Queue
	for _, count := range []struct {
		kind          overload.Kind
		waiting, done string
		arguments     []any
	}{
		{overload.FirstChecks, `SELECT count(DISTINCT target) AS waiting, coalesce(min(created), 0) AS since FROM subscription
				WHERE active AND NOT EXISTS (SELECT 1 FROM target_state WHERE target_state.target = subscription.target)`,
			`SELECT count(*) FROM target_state WHERE since >= ?`, nil},
		{overload.Checks, `SELECT count(*) AS waiting, coalesce(min(due), 0) AS since FROM target WHERE due <= ?`,
			`SELECT count(*) FROM target WHERE polled >= ?`, []any{toMicros(now)}},
		{overload.Analyses, `SELECT count(DISTINCT manifest) AS waiting, coalesce(min(pending), 0) AS since FROM target_state
				WHERE pending <> 0 AND manifest <> '' AND NOT EXISTS (SELECT 1 FROM image WHERE digest = manifest)`,
			`SELECT count(*) FROM image WHERE analyzed >= ?`, nil},
	} {
		row, err := one[queueRow](ctx, t, count.waiting, count.arguments...)
		if err != nil {
			return nil, err
		}
		done, err := one[int](ctx, t, count.done, lately)
		if err != nil {
			return nil, err
		}
		queues = append(queues, overload.Queue{Kind: count.kind, Waiting: row.Waiting, Since: timeOf(row.Since), Done: done})
	}
	deliveries, err := t.queueOfDeliveries(ctx, now, lately)
	return append(queues, deliveries), err
}

type queueRow struct {
	Waiting int
	Since   int64
}

// queueOfDeliveries is what endpoints wait for that neither fail nor have it collected or
// delayed.
func (t tx) queueOfDeliveries(ctx context.Context, now time.Time, lately int64) (overload.Queue, error) {
	queue := overload.Queue{Kind: overload.Deliveries}
	endpoints, err := t.endpoints(ctx)
	if err != nil {
		return queue, err
	}
	for _, endpoint := range endpoints {
		if health := endpoint.State.Health(delivery.GivenUp{}); health == delivery.HealthFailing || health == delivery.HealthDisabled ||
			endpoint.RateLimit > 0 || endpoint.Digest > 0 || endpoint.Debounce > 0 {
			continue
		}
		row, err := one[queueRow](ctx, t, `SELECT count(*) AS waiting, coalesce(min(next_try), 0) AS since FROM delivery
			WHERE state = 'pending' AND endpoint = ? AND next_try <= ?`, endpoint.Name, toMicros(now))
		if err != nil {
			return queue, err
		}
		queue.Waiting += row.Waiting
		if since := timeOf(row.Since); row.Since != 0 && (queue.Since.IsZero() || since.Before(queue.Since)) {
			queue.Since = since
		}
	}
	if queue.Waiting > 0 { // what was sent has no index of its own
		queue.Done, err = one[int](ctx, t, `SELECT count(*) FROM delivery WHERE state = 'delivered' AND created >= ? AND last_try >= ?`,
			toMicros(queue.Since)-overload.Span.Microseconds(), lately)
	}
	return queue, err
}

func (t tx) countQueues(ctx context.Context, now time.Time, totals *Totals) (err error) {
	totals.Queues, err = t.queues(ctx, now)
	return err
}
