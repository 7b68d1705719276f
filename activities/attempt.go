package activities

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// longestPause is how long a receiver's Retry-After holds everything for it up
// at most: an absurd value must not.
const longestPause = time.Hour

// page makes the attempts of some deliveries: those about one subject one after
// the other, in the order in which things happened, those about others beside
// them. Once one fails, those that have not begun are left for later.
func (r *round) page(ctx context.Context, due []watch.DueDelivery) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deliveryConcurrency)
	for _, lane := range divide(due, func(d watch.DueDelivery) string { return d.Notification.Subject }) {
		group.Go(func() error { return r.lane(ctx, lane) })
	}
	return group.Wait()
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

func (r *round) lane(ctx context.Context, due []watch.DueDelivery) error {
	failing := r.endpoint.State.Failing()
	for _, d := range due {
		if state := r.endpointState(); state.Disabled || state.Failing() != failing {
			return nil
		}
		if err := r.attempt(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// attempt sends one delivery and records what came of it. If the receiver refuses
// the size, the slim form follows at once, before anything else about the subject.
func (r *round) attempt(ctx context.Context, due watch.DueDelivery) error {
	next, err := r.attemptOnce(ctx, due)
	if err == nil && next.Slim && !due.Delivery.Slim {
		due.Delivery = next
		_, err = r.attemptOnce(ctx, due)
	}
	return err
}

func (r *round) attemptOnce(ctx context.Context, due watch.DueDelivery) (delivery.Delivery, error) {
	at := r.now()
	body, err := message.Render(r.endpoint.Form(), due.Notification, due.Delivery, r.Account)
	if err != nil {
		return r.record(ctx, due.Delivery, at, delivery.Answer{Err: err}, r.unsent)
	}
	answer := r.Sender.Send(ctx, r.endpoint, message.Post{ID: due.Notification.ID, Body: body, At: at,
		Account: r.Account.Name, Type: due.Notification.Type, Trace: due.Notification.Trace})
	if ctx.Err() != nil {
		return due.Delivery, ctx.Err() // the worker stops: this says nothing of the endpoint
	}
	return r.record(ctx, due.Delivery, at, answer, r.judge)
}

// record counts an attempt and stores it with what it makes of its delivery.
func (r *round) record(ctx context.Context, d delivery.Delivery, at time.Time, answer delivery.Answer,
	judge func(delivery.Delivery, delivery.Answer, time.Time) delivery.Delivery) (delivery.Delivery, error) {
	d.Attempts, d.Answer = d.Attempts+1, answer.String()
	attempt := delivery.Attempt{Delivery: d.ID, Number: d.Attempts, At: at, Duration: answer.Duration, Status: answer.Status, Answer: d.Answer}
	r.mu.Lock()
	d = judge(d, answer, r.now())
	r.mu.Unlock()
	return d, r.Store.RecordAttempt(ctx, attempt, d)
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
