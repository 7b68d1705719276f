package activities

import (
	"context"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// messageStore keeps which deliveries one message carries.
type messageStore interface {
	Combine(ctx context.Context, message string, deliveries []int64) error
	Debounce(ctx context.Context, deliveries []int64, reason string) error
	// Separate gives each delivery of a message a message of its own.
	Separate(ctx context.Context, endpoint, message string) error
	Message(ctx context.Context, endpoint, message string) ([]delivery.Due, error)
	NextTry(ctx context.Context, endpoint string, after time.Time) (time.Time, error)
	Sent(ctx context.Context, endpoint string, since time.Time) (messages int, first time.Time, err error)
}

const (
	// pacedPage is how many due deliveries are considered for common messages.
	pacedPage = 1000
	// rateLimitWindow is the time that an endpoint's rate limit applies to.
	rateLimitWindow = time.Minute
)

// outgoing is one message: the deliveries that one body carries, oldest first.
type outgoing struct {
	id         string
	deliveries []delivery.Due
}

// single reports whether the message is one notification under its own id.
func (m outgoing) single() bool { return len(m.deliveries) == 1 }

// messages are those that may be sent now, oldest first. An endpoint that fails gets
// the oldest alone.
func (r *round) messages(ctx context.Context) ([]outgoing, error) {
	r.later = time.Time{}
	slots, err := r.slots(ctx)
	if err != nil || slots == 0 {
		return nil, err
	}
	due, err := r.assigned(ctx, slots)
	if err != nil {
		return nil, err
	}
	if r.state.Failing() {
		slots = 1
	}
	var messages []outgoing
	seen := map[string]bool{}
	for _, d := range due {
		if id := d.Delivery.Message; !seen[id] && len(messages) < slots {
			seen[id] = true
			m, err := r.message(ctx, d)
			if err != nil {
				return nil, err
			}
			messages = append(messages, m)
		}
	}
	return messages, nil
}

// message is the whole message that a delivery belongs to, with what of it was
// delivered or given up before: its body is the same at every attempt.
func (r *round) message(ctx context.Context, d delivery.Due) (outgoing, error) {
	if d.Delivery.Message == d.Notification.ID {
		return outgoing{d.Notification.ID, []delivery.Due{d}}, nil
	}
	all, err := r.Store.Message(ctx, r.name, d.Delivery.Message)
	return outgoing{d.Delivery.Message, all}, err
}

// slots is how many messages may be sent now. When the rate limit is reached, the
// round remembers when it ends.
func (r *round) slots(ctx context.Context) (int, error) {
	limit := r.endpoint.RateLimit
	if limit == 0 {
		return r.pageSize(), nil
	}
	sent, first, err := r.Store.Sent(ctx, r.name, r.now().Add(-rateLimitWindow))
	if err != nil || sent < limit {
		return limit - sent, err
	}
	r.holdUntil(first.Add(rateLimitWindow))
	return 0, nil
}

func (r *round) pageSize() int {
	if r.endpoint.Paced() {
		return pacedPage
	}
	return deliveryPage
}

// assigned are the due deliveries that belong to a message; where nothing is due and
// the endpoint fails, the oldest that waits. What has no message gets one now,
// unless the endpoint's pace holds it back.
func (r *round) assigned(ctx context.Context, slots int) ([]delivery.Due, error) {
	due, err := r.Store.DueDeliveries(ctx, r.name, r.now(), r.pageSize())
	if err != nil {
		return nil, err
	}
	var open, assigned []delivery.Due
	for _, d := range due {
		if d.Delivery.Message == "" {
			open = append(open, d)
		} else {
			assigned = append(assigned, d)
		}
	}
	urgent := withUrgent(open)
	if open, err = r.undamped(ctx, open[len(urgent):]); err != nil {
		return nil, err
	}
	if len(open) > 0 {
		if ripe, at := r.endpoint.Ripe(open[0].Delivery.Created, len(open), r.now()); !ripe {
			r.holdUntil(at)
			open = nil
		}
	}
	open = slices.Concat(urgent, open)
	alone := r.endpoint.Digest == 0 && len(assigned)+len(open) <= slots
	if len(assigned)+len(open) == 0 {
		if open, err = r.early(ctx); err != nil {
			return nil, err
		}
		if len(open) > 0 && open[0].Delivery.Message != "" {
			return open, nil
		}
		alone = true
	}
	return r.assign(ctx, assigned, open, alone)
}

// withUrgent are the open deliveries up to the last urgent one: the order in which an
// endpoint is notified stays.
func withUrgent(open []delivery.Due) []delivery.Due {
	for i, d := range slices.Backward(open) {
		if d.Delivery.Urgent {
			return open[:i+1]
		}
	}
	return nil
}

// early is what to try where nothing may be sent now: an endpoint that fails gets
// the oldest that waits now and then, so that its recovery is noticed.
func (r *round) early(ctx context.Context) ([]delivery.Due, error) {
	if !r.state.Failing() || r.now().Before(r.state.Early) {
		return nil, nil
	}
	return r.Store.OldestWaiting(ctx, r.name, r.now())
}

// assign gives each open delivery its message, and returns them behind those that
// have one. What was tried alone stays alone: the receiver may have it. Where
// deliveries can share a message, the store knows which before the first attempt:
// after a crash the same message goes out under the same id.
func (r *round) assign(ctx context.Context, assigned, open []delivery.Due, alone bool) ([]delivery.Due, error) {
	var groups [][]notification.Notification
	var together []notification.Notification
	byID := map[string]*delivery.Due{}
	for i, d := range open {
		byID[d.Notification.ID] = &open[i]
		if alone || d.Delivery.Attempts > 0 {
			groups = append(groups, []notification.Notification{d.Notification})
		} else {
			together = append(together, d.Notification)
		}
	}
	for _, group := range append(groups, message.Combine(r.endpoint.Form(), together, r.Account)...) {
		id, rows := messageID(group), make([]int64, len(group))
		for i, n := range group {
			byID[n.ID].Delivery.Message, rows[i] = id, byID[n.ID].Delivery.ID
		}
		if !r.endpoint.Paced() { // each is alone, whoever asks
			continue
		}
		if err := r.Store.Combine(ctx, id, rows); err != nil {
			return nil, err
		}
	}
	return append(assigned, open...), nil
}

// messageID is the notification's own id for one that is alone.
func messageID(group []notification.Notification) string {
	if len(group) == 1 {
		return group[0].ID
	}
	return message.NewGroup(group).ID
}

// holdUntil notes when the endpoint's pace allows more than it does now.
func (r *round) holdUntil(at time.Time) {
	if r.later.IsZero() || at.Before(r.later) {
		r.later = at
	}
}

// hold puts the next round off until the pace allows something, or until an
// attempt is to be repeated, if that is sooner. What is held back is due all the
// time, and what could be tried by now waits for the rate limit.
func (r *round) hold(ctx context.Context) error {
	next, err := r.Store.NextTry(ctx, r.name, r.now())
	if err != nil {
		return err
	}
	next = r.state.Resume(next)
	if !next.After(r.now()) || r.later.Before(next) {
		next = r.later
	}
	if next.Before(r.state.Probe) {
		next = r.state.Probe
	}
	r.result.Next = next
	return nil
}
