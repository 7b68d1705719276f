package store

import (
	"context"
	"math"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

const dueColumns = deliveryColumns + `, n.seq AS "n.seq", n.id AS "n.id", n.type AS "n.type",
	n.subject AS "n.subject", n.cause AS "n.cause", n.created AS "n.created", n.summary AS "n.summary", n.payload AS "n.payload",
	n.trace AS "n.trace"`

// Combine decides in which message deliveries are notified. What was decided before
// stays: receivers know a message by its id.
func (s *Store) Combine(ctx context.Context, message string, deliveries []int64) error {
	return s.change(ctx, "combine deliveries to "+message, func(t tx) error {
		return runIn(ctx, t, `UPDATE delivery SET message = ? WHERE message = '' AND state = 'pending' AND id IN (?)`, deliveries, message)
	})
}

// Debounce settles deliveries that were never tried without making them. Their message
// is their own: sent again on demand, they are not debounced a second time.
func (s *Store) Debounce(ctx context.Context, deliveries []int64, reason string) error {
	return s.change(ctx, "debounce deliveries", func(t tx) error {
		return runIn(ctx, t, `UPDATE delivery SET state = 'debounced', message = notification, answer = ?
			WHERE message = '' AND state = 'pending' AND id IN (?)`, deliveries, reason)
	})
}

// Separate has what a message was to tell notified one by one, each in a message of
// its own.
func (s *Store) Separate(ctx context.Context, endpoint, message string) error {
	return s.change(ctx, "separate "+message, func(t tx) error {
		return t.run(ctx, `UPDATE delivery SET message = notification WHERE endpoint = ? AND message = ?`, endpoint, message)
	})
}

// Message lists what one message tells an endpoint, whatever became of it, the
// oldest first.
func (s *Store) Message(ctx context.Context, endpoint, message string) ([]delivery.Due, error) {
	var notified []delivery.Due
	err := s.view(ctx, "read message "+message, func(t tx) (err error) {
		notified, err = t.due(ctx, `d.endpoint = ? AND d.message = ?`, math.MaxInt32, endpoint, message)
		return err
	})
	return notified, err
}

// Sent counts the messages that were sent to an endpoint since a moment, repeated
// ones each time, and reports when the first of them was.
func (s *Store) Sent(ctx context.Context, endpoint string, since time.Time) (messages int, first time.Time, err error) {
	err = s.view(ctx, "count messages to "+endpoint, func(t tx) error {
		row, err := one[struct {
			Messages int
			First    int64
		}](ctx, t, `SELECT count(*) AS messages, coalesce(min(made), 0) AS first FROM (
				SELECT DISTINCT CASE WHEN d.message = '' THEN d.notification ELSE d.message END AS message, a.made AS made
				FROM attempt a JOIN delivery d ON d.id = a.delivery WHERE d.endpoint = ? AND a.made > ?) AS sent`, endpoint, toMicros(since))
		messages, first = row.Messages, timeOf(row.First)
		return err
	})
	return messages, first, err
}

// NextTry is when the next attempt at the endpoint is due that is not yet; zero
// without any.
func (s *Store) NextTry(ctx context.Context, endpoint string, after time.Time) (time.Time, error) {
	var next int64
	err := s.view(ctx, "read the next attempt at "+endpoint, func(t tx) (err error) {
		next, err = one[int64](ctx, t, `SELECT coalesce(min(next_try), 0) FROM delivery WHERE endpoint = ? AND state = 'pending' AND next_try > ?`,
			endpoint, toMicros(after))
		return err
	})
	return timeOf(next), err
}
