package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// undamped are those of the open deliveries that may be notified now. What was undone
// meanwhile is settled without being notified; what is younger than the endpoint's
// window waits, and everything after it, so that the order stays.
func (r *round) undamped(ctx context.Context, open []delivery.Due) ([]delivery.Due, error) {
	if r.endpoint.Debounce == 0 {
		return open, nil
	}
	open, err := r.debounce(ctx, open)
	if err != nil {
		return nil, err
	}
	for i, d := range open {
		if ripe := d.Delivery.Created.Add(r.endpoint.Debounce); d.Delivery.Attempts == 0 && ripe.After(r.now()) {
			r.holdUntil(ripe)
			r.Log.DebugContext(ctx, "deliveries held", "endpoint", r.name, "deliveries", len(open)-i, "until", ripe, "reason", notification.DebounceWindow)
			return open[:i], nil
		}
	}
	return open, nil
}

// debounce settles the loops among the deliveries and returns the others. What was
// tried is part of none: the receiver may have it.
func (r *round) debounce(ctx context.Context, open []delivery.Due) ([]delivery.Due, error) {
	rows := map[string]int64{}
	var untried []notification.Notification
	for _, d := range open {
		if d.Delivery.Attempts == 0 {
			rows[d.Notification.ID] = d.Delivery.ID
			untried = append(untried, d.Notification)
		}
	}
	debounced := map[int64]bool{}
	for _, loop := range notification.Debounce(r.endpoint.Debounce, untried) {
		var ids []int64
		for _, n := range loop {
			ids = append(ids, rows[n.ID])
			debounced[rows[n.ID]] = true
			r.Log.DebugContext(ctx, "change not notified", "subject", n.Subject, "type", n.Type, "endpoint", r.name, "reason", notification.Debounced)
		}
		if err := r.Store.Debounce(ctx, ids, debouncedAnswer(loop)); err != nil {
			return nil, err
		}
	}
	r.result.Debounced += len(debounced)
	return slices.DeleteFunc(open, func(d delivery.Due) bool { return debounced[d.Delivery.ID] }), nil
}

// debouncedAnswer says why a delivery was not made, and where to read on.
func debouncedAnswer(loop []notification.Notification) string {
	first, last := loop[0], loop[len(loop)-1]
	return fmt.Sprintf("debounced: %d changes within %s led back to where it was, from %s to %s",
		len(loop), last.Created.Sub(first.Created).Round(time.Second), first.ID, last.ID)
}
