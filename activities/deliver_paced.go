package activities

import (
	"context"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// pacedStore keeps which deliveries are notified together.
type pacedStore interface {
	Combine(ctx context.Context, message string, deliveries []int64) error
	Debounce(ctx context.Context, deliveries []int64, reason string) error
	// Separate has what a message was to tell notified one by one.
	Separate(ctx context.Context, endpoint, message string) error
	Message(ctx context.Context, endpoint, message string) ([]watch.DueDelivery, error)
	NextTry(ctx context.Context, endpoint string, after time.Time) (time.Time, error)
	Sent(ctx context.Context, endpoint string, since time.Time) (messages int, first time.Time, err error)
}

const (
	// pacedPage is how many deliveries are checked to be notified together.
	pacedPage = 1000
	// rateLimitWindow is what an endpoint's rate limit is for.
	rateLimitWindow = time.Minute
)

// outgoing is deliveries that one body tells.
type outgoing struct {
	id       string
	notified []watch.DueDelivery
}

// paced are the messages that may be sent now to an endpoint that bounds their
// number. Each has its id stored before it is sent for the first time, so that
// after a crash the same goes out under the same id.
func (r *round) paced(ctx context.Context) ([]outgoing, error) {
	r.later = time.Time{}
	slots, err := r.slots(ctx)
	if err != nil || slots == 0 {
		return nil, err
	}
	due, err := r.Store.DueDeliveries(ctx, r.name, r.now(), pacedPage)
	if err != nil {
		return nil, err
	}
	due, err = r.decided(ctx, due, slots)
	if err == nil && len(due) == 0 {
		due, err = r.earlyMessage(ctx)
	}
	if err != nil {
		return nil, err
	}
	var messages []outgoing
	seen := map[string]bool{}
	for _, d := range due {
		if id := d.Delivery.Message; !seen[id] && len(messages) < slots {
			seen[id] = true
			notified, err := r.Store.Message(ctx, r.name, id)
			if err != nil {
				return nil, err
			}
			messages = append(messages, outgoing{id, notified})
		}
	}
	return messages, nil
}

// earlyMessage is early for what belongs to a message: by itself, if it was tried
// before the endpoint was bounded.
func (r *round) earlyMessage(ctx context.Context) ([]watch.DueDelivery, error) {
	due, err := r.early(ctx)
	if err != nil || len(due) == 0 || due[0].Delivery.Message != "" {
		return due, err
	}
	return r.combine(ctx, due, true)
}

// slots is how many messages the rate limit has left. Without any, the round knows
// when there is one.
func (r *round) slots(ctx context.Context) (int, error) {
	rateLimit := r.endpoint.RateLimit
	if rateLimit == 0 {
		return pacedPage, nil
	}
	sent, first, err := r.Store.Sent(ctx, r.name, r.now().Add(-rateLimitWindow))
	if err != nil || sent < rateLimit {
		return rateLimit - sent, err
	}
	r.holdUntil(first.Add(rateLimitWindow))
	return 0, nil
}

// decided are the deliveries that belong to a message. What does not yet, is put
// into one now, unless the endpoint collects for longer.
func (r *round) decided(ctx context.Context, due []watch.DueDelivery, slots int) ([]watch.DueDelivery, error) {
	var open, decided []watch.DueDelivery
	for _, d := range due {
		if d.Delivery.Message == "" {
			open = append(open, d)
		} else {
			decided = append(decided, d)
		}
	}
	open, err := r.undamped(ctx, open)
	if err != nil || len(open) == 0 {
		return decided, err
	}
	ripe, at := r.endpoint.Ripe(open[0].Delivery.Created, len(open), r.now())
	if !ripe {
		r.holdUntil(at)
		return decided, nil
	}
	alone := r.endpoint.Digest == 0 && len(decided)+len(open) <= slots
	combined, err := r.combine(ctx, open, alone)
	return append(decided, combined...), err
}

// combine puts deliveries into messages. What was sent by itself before stays by
// itself: the receiver may have it.
func (r *round) combine(ctx context.Context, open []watch.DueDelivery, alone bool) ([]watch.DueDelivery, error) {
	var groups [][]notification.Notification
	var together []notification.Notification
	byID := map[string]*watch.DueDelivery{}
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
		if err := r.Store.Combine(ctx, id, rows); err != nil {
			return nil, err
		}
	}
	return open, nil
}

// messageID is the notification's own id for one that is notified by itself.
func messageID(group []notification.Notification) string {
	if len(group) == 1 {
		return group[0].ID
	}
	return message.NewGroup(group).ID
}

// send makes the attempt of one message, and of its slim form if the receiver
// refuses the size.
func (r *round) send(ctx context.Context, m outgoing) error {
	slim, err := r.sendOnce(ctx, m)
	if err == nil && slim {
		if m.notified, err = r.Store.Message(ctx, r.name, m.id); err == nil {
			_, err = r.sendOnce(ctx, m)
		}
	}
	return err
}

// sendOnce makes one attempt and records it with each delivery that is still to be
// made; slim reports that the slim form is to follow. A group that cannot be put into
// words, as by a template that one of it is too much for, is divided: the others
// shall not wait for that. So is one that is too large and has no smaller form.
func (r *round) sendOnce(ctx context.Context, m outgoing) (slim bool, err error) {
	at := r.now()
	post, err := r.post(m, at)
	if err != nil && len(m.notified) > 1 {
		return false, r.Store.Separate(ctx, r.name, m.id)
	}
	answer, judge := delivery.Answer{Err: err}, r.unsent
	if err == nil {
		answer, judge = r.Sender.Send(ctx, r.endpoint, post), r.judge
	}
	if ctx.Err() != nil {
		return false, ctx.Err() // the worker stops: this says nothing of the endpoint
	}
	divided := answer.Status == http.StatusRequestEntityTooLarge && len(m.notified) > 1 && (m.notified[0].Delivery.Slim || !r.endpoint.Format.HasSlim())
	if divided {
		judge = func(d delivery.Delivery, _ delivery.Answer, now time.Time) delivery.Delivery { return dueAgain(d, now) }
	}
	for _, d := range m.notified {
		if d.Delivery.State != delivery.Pending {
			continue
		}
		next, err := r.record(ctx, d.Delivery, at, answer, judge)
		if err != nil {
			return false, err
		}
		slim = slim || next.Slim && !d.Delivery.Slim
	}
	if divided {
		return false, r.Store.Separate(ctx, r.name, m.id)
	}
	return slim, nil
}

func (r *round) post(m outgoing, at time.Time) (message.Post, error) {
	first := m.notified[0]
	if len(m.notified) == 1 {
		body, err := message.Render(r.endpoint.Form(), first.Notification, first.Delivery, r.Account)
		return message.Post{ID: m.id, Body: body, At: at, Account: r.Account.Name, Type: first.Notification.Type,
			Trace: first.Notification.Trace}, err
	}
	notifications := make([]notification.Notification, len(m.notified))
	for i, d := range m.notified {
		notifications[i] = d.Notification
	}
	group := message.NewGroup(notifications)
	group.ID = m.id
	body, err := message.RenderGroup(r.endpoint.Form(), group, first.Delivery, r.Account)
	return message.Post{ID: m.id, Body: body, At: at, Account: r.Account.Name, Type: message.Grouped,
		Trace: first.Notification.Trace}, err
}

// pacedAttempts makes the attempts that the endpoint's pace allows, one after the
// other, and returns a delivery of the first; nil if there is none.
func (r *round) pacedAttempts(ctx context.Context) (*watch.DueDelivery, error) {
	messages, err := r.paced(ctx)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	failing := r.state.Failing()
	for _, m := range messages {
		if err := r.send(ctx, m); err != nil {
			return nil, err
		}
		if state := r.endpointState(); failing || state.Disabled || state.Failing() {
			break
		}
	}
	return &messages[0].notified[0], nil
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
