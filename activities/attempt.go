package activities

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// longestPause is how long a receiver's Retry-After holds everything for it up
// at most: an absurd value must not.
const longestPause = time.Hour

// page sends some messages: those about one subject one after the other, in the
// order in which things happened, those about others beside them. An endpoint with a
// pace gets one after the other. Once one fails, those that have not begun are left
// for later.
func (r *round) page(ctx context.Context, messages []outgoing) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deliveryConcurrency)
	for _, lane := range r.lanes(messages) {
		group.Go(func() error { return r.lane(ctx, lane) })
	}
	return group.Wait()
}

func (r *round) lanes(messages []outgoing) [][]outgoing {
	if r.endpoint.Paced() || slices.ContainsFunc(messages, func(m outgoing) bool { return !m.single() }) {
		return [][]outgoing{messages}
	}
	return divide(messages, func(m outgoing) string { return m.deliveries[0].Notification.Subject })
}

// divide splits what has different keys, and keeps the order of everything.
func divide[T any, K comparable](all []T, key func(T) K) [][]T {
	var parts [][]T
	index := map[K]int{}
	for _, each := range all {
		n, known := index[key(each)]
		if !known {
			n = len(parts)
			index[key(each)] = n
			parts = append(parts, nil)
		}
		parts[n] = append(parts[n], each)
	}
	return parts
}

func (r *round) lane(ctx context.Context, messages []outgoing) error {
	failing := r.endpoint.State.Failing()
	for _, m := range messages {
		if state := r.endpointState(); state.Disabled || state.Failing() != failing {
			return nil
		}
		if err := r.send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// send makes the attempt of one message. If the receiver refuses the size, the slim
// form follows at once, before anything else about the subject.
func (r *round) send(ctx context.Context, m outgoing) error {
	slim, err := r.sendOnce(ctx, m)
	if err == nil && slim {
		_, err = r.sendOnce(ctx, m)
	}
	return err
}

// sendOnce makes one attempt, and records it with each delivery of the message that
// is still pending; slim reports that the slim form is to follow. A group that cannot
// be rendered, as by a template that fails on one of it, is divided, so that the
// others need not wait. So is one that is too large and has no smaller form.
func (r *round) sendOnce(ctx context.Context, m outgoing) (slim bool, err error) {
	at := r.now()
	post, err := r.post(m, at)
	if err != nil && !m.single() {
		return false, r.Store.Separate(ctx, r.name, m.id)
	}
	answer, judge := delivery.Answer{Err: err}, r.unsent
	if err == nil {
		answer, judge = r.Sender.Send(ctx, r.endpoint, post), r.judge
	}
	if ctx.Err() != nil {
		return false, ctx.Err() // the worker stops: this says nothing of the endpoint
	}
	divided := !m.single() && answer.Status == http.StatusRequestEntityTooLarge && (m.deliveries[0].Delivery.Slim || !r.endpoint.Format.HasSlim())
	if divided {
		judge = func(d delivery.Delivery, _ delivery.Answer, now time.Time) delivery.Delivery { return dueAgain(d, now) }
	}
	var made []delivery.Attempted
	for i, due := range m.deliveries {
		if due.Delivery.State != delivery.Pending {
			continue
		}
		each := r.attempted(due.Delivery, at, answer, judge)
		slim = slim || each.Next.Slim && !due.Delivery.Slim
		m.deliveries[i].Delivery = each.Next
		made = append(made, each)
	}
	if err := r.record(ctx, made); err != nil {
		return false, err
	}
	if divided {
		return false, r.Store.Separate(ctx, r.name, m.id)
	}
	return slim, nil
}

// post is the request of one attempt. One notification has the body that it has
// wherever nothing is combined.
func (r *round) post(m outgoing, at time.Time) (message.Post, error) {
	first := m.deliveries[0]
	post := message.Post{ID: m.id, At: at, Account: r.Account.Name, Type: message.Grouped, Trace: first.Notification.Trace}
	var err error
	if m.single() {
		post.Type = first.Notification.Type
		post.Body, err = message.Render(r.endpoint.Form(), first.Notification, first.Delivery, r.Account)
		return post, err
	}
	notifications := make([]notification.Notification, len(m.deliveries))
	for i, d := range m.deliveries {
		notifications[i] = d.Notification
	}
	group := message.NewGroup(notifications)
	group.ID = m.id
	post.Body, err = message.RenderGroup(r.endpoint.Form(), group, first.Delivery, r.Account)
	return post, err
}

// attempted counts an attempt, with what it makes of its delivery.
func (r *round) attempted(d delivery.Delivery, at time.Time, answer delivery.Answer,
	judge func(delivery.Delivery, delivery.Answer, time.Time) delivery.Delivery) delivery.Attempted {
	d.Attempts, d.Answer = d.Attempts+1, answer.String()
	attempt := delivery.Attempt{Delivery: d.ID, Number: d.Attempts, At: at, Duration: answer.Duration, Status: answer.Status, Answer: d.Answer}
	r.mu.Lock()
	defer r.mu.Unlock()
	return delivery.Attempted{Attempt: attempt, Next: judge(d, answer, r.now())}
}

// record stores the attempts of a message, in one transaction with those of other lanes
// that come while the one before is under way.
func (r *round) record(ctx context.Context, made []delivery.Attempted) error {
	r.mu.Lock()
	if r.open == nil {
		r.open = &attempts{}
	}
	together := r.open
	together.made = append(together.made, made...)
	r.mu.Unlock()
	r.recording.Lock()
	defer r.recording.Unlock()
	if !together.recorded {
		r.mu.Lock()
		r.open = nil
		r.mu.Unlock()
		together.recorded, together.err = true, r.Store.RecordAttempts(ctx, together.made)
	}
	return together.err
}

// judge decides how a delivery goes on and what the answer says of the endpoint.
// Attempts of one page that fail together are one failure of the endpoint.
func (r *round) judge(d delivery.Delivery, answer delivery.Answer, now time.Time) delivery.Delivery {
	verdict := delivery.Judge(answer.Status)
	if !r.state.Disabled {
		r.state = r.after(verdict, d, answer, now)
	}
	r.quiet(now, answer)
	switch verdict {
	case delivery.VerdictDelivered:
		r.result.Delivered++
		d.State = delivery.Delivered
		if d.Slim {
			d.Answer += " (slim form: the receiver refused the size of the whole)"
		}
		return d
	case delivery.VerdictRetry:
		return r.again(d, answer, now)
	case delivery.VerdictDisable:
		d.LastTry = now
		return d // pending, for the time when it is enabled again
	}
	if answer.Status == http.StatusRequestEntityTooLarge && !d.Slim && r.endpoint.Format.HasSlim() {
		return slimmed(d, now)
	}
	return r.deadline(d, now)
}

// slimmed has a delivery sent in the slim form at once. The schedule does not count
// the attempt at the whole, which says nothing of the endpoint.
func slimmed(d delivery.Delivery, now time.Time) delivery.Delivery {
	d.Slim = true
	return dueAgain(d, now)
}

// dueAgain has a delivery sent in another way at once.
func dueAgain(d delivery.Delivery, now time.Time) delivery.Delivery {
	d.Early, d.LastTry, d.NextTry = d.Early+1, now, now
	return d
}

// after is the state of the endpoint after an answer. One that refuses a
// notification for good does neither well nor badly.
func (r *round) after(verdict delivery.Verdict, d delivery.Delivery, answer delivery.Answer, now time.Time) delivery.EndpointState {
	state := r.state
	switch verdict {
	case delivery.VerdictDelivered:
		return state.Succeeded(d.Answer)
	case delivery.VerdictRetry:
		if triedEarly(d, now) {
			state.LastAnswer = d.Answer
			return state
		}
		state = r.endpoint.State.Failed(d.Answer, now)
		if pause := now.Add(min(answer.RetryAfter, longestPause)); pause.After(state.Probe) {
			state.Probe = pause
		}
	case delivery.VerdictDisable:
		state.Disabled, state.LastAnswer = true, d.Answer
		state.Reason = "it answered 410 Gone; when it is back: tagwatch endpoint enable " + r.name
	}
	return state
}

// unsent decides about a body that cannot be made, as by a template at fault. It
// says nothing of the endpoint and must not hold the others up.
func (r *round) unsent(d delivery.Delivery, answer delivery.Answer, now time.Time) delivery.Delivery {
	r.quiet(now, answer)
	return r.again(d, answer, now)
}

// quiet puts the next early attempt at an endpoint that fails off, whatever came
// of the last one.
func (r *round) quiet(now time.Time, answer delivery.Answer) {
	if r.state.Failing() {
		r.state = r.state.Quiet(now, answer.RetryAfter)
	}
}

// triedEarly reports whether an attempt was made before it was due. It says nothing new
// of an endpoint that fails, and the schedule goes on as if it had not been.
func triedEarly(d delivery.Delivery, now time.Time) bool { return d.NextTry.After(now) }

// again has a delivery tried again while there is time.
func (r *round) again(d delivery.Delivery, answer delivery.Answer, now time.Time) delivery.Delivery {
	if triedEarly(d, now) {
		r.result.Retried++
		d.Early, d.LastTry, d.NextTry = d.Early+1, now, delivery.Keep(d.NextTry, now, d.Deadline, answer.RetryAfter)
		return d
	}
	at, left := delivery.Next(d.Attempts-d.Early, now, d.Deadline, rand.Float64(), answer.RetryAfter)
	if !left {
		return r.deadline(d, now)
	}
	r.result.Retried++
	d.LastTry, d.NextTry = now, at
	return d
}

func (r *round) deadline(d delivery.Delivery, now time.Time) delivery.Delivery {
	r.result.Failed++
	d.LastTry, d.State = now, delivery.Failed
	return d
}
