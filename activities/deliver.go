package activities

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Sender makes one attempt at an endpoint.
type Sender interface {
	Send(ctx context.Context, endpoint event.Endpoint, post event.Post) event.Answer
}

// deliveryStore keeps what is on its way.
type deliveryStore interface {
	Endpoint(ctx context.Context, name string) (event.Endpoint, error)
	SetEndpointState(ctx context.Context, name string, state event.EndpointState) error
	DueDeliveries(ctx context.Context, endpoint string, now time.Time, limit int) ([]watch.DueDelivery, error)
	RecordAttempt(ctx context.Context, attempt event.Attempt, next event.Delivery) error
	Backlog(ctx context.Context, endpoint string) (watch.Backlog, error)
	// Hasten makes all pending deliveries of an endpoint due.
	Hasten(ctx context.Context, endpoint string, now time.Time) error
}

const (
	deliveryPage        = 50
	deliveryConcurrency = 8 // attempts at one endpoint at a time
)

// Deliver makes the due attempts at an endpoint, oldest first. Each attempt is
// recorded by itself: after a crash only those under way are repeated, with the
// same id.
func (a *Activities) Deliver(ctx context.Context, name string) (watch.Round, error) {
	endpoint, err := a.Store.Endpoint(ctx, name)
	if errors.Is(err, fault.NotFound) {
		return watch.Round{}, nil
	}
	if err != nil {
		return watch.Round{}, classify(err)
	}
	r := &round{Activities: a, endpoint: endpoint, state: endpoint.State, result: watch.Round{Active: true}}
	defer heartbeat(ctx, r.progress)()
	if err := r.run(ctx); err != nil {
		return r.result, classify(err)
	}
	return r.result, classify(r.finish(ctx))
}

// round lives within one call of Deliver.
type round struct {
	*Activities
	endpoint event.Endpoint

	mu     sync.Mutex
	state  event.EndpointState
	result watch.Round
}

func (r *round) progress() any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%d delivered, %d to be tried again, %d given up", r.result.Delivered, r.result.Retried, r.result.Failed)
}

func (r *round) endpointState() event.EndpointState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// run sends until nothing is due. An endpoint that fails is asked by one
// delivery at a time, not by everything that waits for it.
func (r *round) run(ctx context.Context) error {
	for {
		state := r.endpointState()
		if state.Disabled || r.now().Before(state.Probe) {
			return nil
		}
		due, err := r.Store.DueDeliveries(ctx, r.endpoint.Name, r.now(), deliveryPage)
		if err != nil || len(due) == 0 {
			return err
		}
		if state.Failing() {
			due = due[:1]
		}
		if err := r.page(ctx, due); err != nil {
			return err
		}
		if err := r.turn(ctx, state); err != nil {
			return err
		}
	}
}

// page makes the attempts of some deliveries. Once one fails, those that have
// not begun are left for later.
func (r *round) page(ctx context.Context, due []watch.DueDelivery) error {
	failing := r.endpointState().Failing()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(deliveryConcurrency)
	for _, d := range due {
		group.Go(func() error {
			if state := r.endpointState(); state.Disabled || state.Failing() != failing {
				return nil
			}
			return r.attempt(ctx, d)
		})
	}
	return group.Wait()
}

// attempt sends one delivery and records what came of it.
func (r *round) attempt(ctx context.Context, due watch.DueDelivery) error {
	at := r.now()
	answer := r.send(ctx, due, at)
	if ctx.Err() != nil {
		return ctx.Err() // the worker stops: this says nothing of the endpoint
	}
	attempt := event.Attempt{Delivery: due.Delivery.ID, Number: due.Delivery.Attempts + 1, At: at,
		Duration: answer.Duration, Status: answer.Status, Answer: answer.String()}
	return r.Store.RecordAttempt(ctx, attempt, r.judge(due.Delivery, answer))
}

// send makes the body and posts it. A body that cannot be made, as by a template
// at fault, is an attempt that failed: it must not hold the others up.
func (r *round) send(ctx context.Context, due watch.DueDelivery, at time.Time) event.Answer {
	body, err := event.Render(r.endpoint, due.Notification, due.Delivery, r.Account)
	if err != nil {
		return event.Answer{Err: err}
	}
	return r.Sender.Send(ctx, r.endpoint, event.Post{ID: due.Notification.ID, Body: body, At: at,
		Account: r.Account.Name, Type: due.Notification.Type})
}

// judge decides how a delivery goes on, and counts it.
func (r *round) judge(d event.Delivery, answer event.Answer) event.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	d.Attempts, d.Answer = d.Attempts+1, answer.String()
	switch event.Judge(answer.Status) {
	case event.VerdictDelivered:
		r.state = r.state.Succeeded(d.Answer)
		d.State = event.Delivered
		r.result.Delivered++
		return d
	case event.VerdictRetry:
		r.state = r.state.Failed(d.Answer, now)
		if at, again := event.Next(d.Attempts, now, d.GiveUp, rand.Float64(), answer.RetryAfter); again {
			d.LastTry, d.NextTry = now, at
			r.result.Retried++
			return d
		}
	case event.VerdictDisable:
		r.state.Disabled, r.state.LastAnswer = true, d.Answer
		r.state.Reason = "it answered 410 Gone; when it is back: tagwatch endpoint enable " + r.endpoint.Name
		d.LastTry = now
		return d // pending, for the time when it is enabled again
	}
	d.LastTry, d.State = now, event.Failed
	r.result.Failed++
	return d
}

// turn tells the event log when an endpoint goes down, is disabled or comes
// back. What waited for one that comes back is due at once.
func (r *round) turn(ctx context.Context, before event.EndpointState) error {
	now := r.endpointState()
	switch {
	case now.Disabled:
		return r.tell(ctx, "system.endpoint.disabled", event.LevelError, "Endpoint is disabled: "+now.Reason, r.now())
	case now.Failures >= event.Down && !now.Told:
		r.mu.Lock()
		r.state.Told = true
		r.mu.Unlock()
		return r.tell(ctx, "system.endpoint.failing", event.LevelError, "Endpoint does not take notifications: "+now.LastAnswer, now.FailingSince)
	case before.Told && !now.Failing():
		if err := r.tell(ctx, "system.endpoint.recovered", event.LevelInfo, "Endpoint takes notifications again", before.FailingSince); err != nil {
			return err
		}
		return r.Store.Hasten(ctx, r.endpoint.Name, r.now())
	}
	return nil
}

func (r *round) tell(ctx context.Context, name string, level event.Level, message string, since time.Time) error {
	return r.log(ctx, event.Logged{Event: name, Level: level, Message: message,
		Resource: event.Resource{ID: r.endpoint.Name, Kind: "endpoint"}}, since)
}

// finish stores how the endpoint does and says when to go on.
func (r *round) finish(ctx context.Context) error {
	r.result.State = r.endpointState()
	if err := r.Store.SetEndpointState(ctx, r.endpoint.Name, r.result.State); err != nil {
		return err
	}
	backlog, err := r.Store.Backlog(ctx, r.endpoint.Name)
	if err != nil {
		return err
	}
	r.result.Pending, r.result.Next, r.result.Oldest = backlog.Pending, backlog.Next, backlog.Oldest
	if r.result.State.Disabled {
		r.result.Next = time.Time{}
	} else if !backlog.Next.IsZero() && backlog.Next.Before(r.result.State.Probe) {
		r.result.Next = r.result.State.Probe
	}
	return nil
}
