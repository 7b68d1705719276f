package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Sender makes one attempt at an endpoint.
type Sender interface {
	Send(ctx context.Context, endpoint endpoint.Endpoint, post message.Post) delivery.Answer
}

// deliveryStore keeps what is on its way.
type deliveryStore interface {
	messageStore
	givenUpStore
	Endpoint(ctx context.Context, name string) (endpoint.Endpoint, error)
	SetEndpointState(ctx context.Context, name string, state delivery.EndpointState) error
	DueDeliveries(ctx context.Context, endpoint string, now time.Time, limit int) ([]delivery.Due, error)
	// OldestWaiting is at most one that is not due.
	OldestWaiting(ctx context.Context, endpoint string, now time.Time) ([]delivery.Due, error)
	RecordAttempts(ctx context.Context, made []delivery.Attempted) error
	Backlog(ctx context.Context, endpoint string) (delivery.Backlog, error)
	// BacklogEndpoints are those that something waits for.
	BacklogEndpoints(ctx context.Context) ([]string, error)
	// MakeDue makes all pending deliveries of an endpoint due.
	MakeDue(ctx context.Context, endpoint string, now time.Time) error
}

const (
	deliveryPage        = 50
	deliveryConcurrency = 8 // attempts at one endpoint at a time
	// longestRound is how long a round begins further attempts: the rest is for
	// the next, so that a slow endpoint does not make a step that never ends.
	longestRound = 5 * time.Minute
)

// Deliver makes the due attempts at an endpoint, oldest first. A delivery travels in
// a message, of one notification or, where the endpoint's pace asks for it, of
// several. Each attempt is recorded as it ends: after a crash only those under way
// are repeated, with the same id.
func (a *Activities) Deliver(ctx context.Context, name string) (delivery.Round, error) {
	r := &round{Activities: a, name: name}
	defer heartbeat(ctx, r.progress)()
	err := r.run(ctx)
	if err == nil {
		err = a.announceGivenUp(ctx, name)
	}
	if err == nil && r.result.Active {
		err = r.finish(ctx)
	}
	return r.result, classify(err)
}

// round lives within one call of Deliver.
type round struct {
	*Activities
	name string
	// endpoint is as it was stored before the page of attempts under way.
	endpoint endpoint.Endpoint
	// later is when an endpoint's pace allows more than it did; zero if it did
	// not hold anything back.
	later time.Time

	mu     sync.Mutex
	state  delivery.EndpointState // as the attempts of the page have made it
	result delivery.Round
	open   *attempts // that are recorded next; nil for none

	recording sync.Mutex
}

// attempts are recorded together.
type attempts struct {
	made     []delivery.Attempted
	recorded bool
	err      error
}

func (r *round) progress() any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%d delivered, %d to be tried again, %d given up", r.result.Delivered, r.result.Retried, r.result.Failed)
}

func (r *round) endpointState() delivery.EndpointState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state
}

// run sends until nothing is due. An endpoint that fails is asked by one
// delivery at a time, not by everything that waits for it. The endpoint is read
// before each page: a person may change, disable or delete it meanwhile.
func (r *round) run(ctx context.Context) error {
	for end := r.now().Add(longestRound); ; {
		if err := r.load(ctx); err != nil || !r.result.Active {
			return err
		}
		if now := r.now(); r.state.Disabled || now.Before(r.state.Probe) || now.After(end) {
			return nil
		}
		oldest, err := r.attempts(ctx)
		if err != nil || oldest == nil {
			return err
		}
		if err := r.turn(ctx, *oldest); err != nil {
			return err
		}
		if err := r.save(ctx); err != nil {
			return err
		}
	}
}

// attempts sends what may be sent now and returns the oldest delivery of it; nil if
// there is none.
func (r *round) attempts(ctx context.Context) (*delivery.Due, error) {
	messages, err := r.messages(ctx)
	if err != nil || len(messages) == 0 {
		return nil, err
	}
	return &messages[0].deliveries[0], r.page(ctx, messages)
}

// load reads the endpoint; without it the round is not active.
func (r *round) load(ctx context.Context) error {
	endpoint, err := r.Store.Endpoint(ctx, r.name)
	r.result.Active = err == nil
	if err != nil && !errors.Is(err, errkind.NotFound) {
		return err
	}
	r.endpoint, r.state = endpoint, endpoint.State
	return nil
}

// save stores how the endpoint does, unless somebody has changed that meanwhile,
// as by enabling it: what a person says counts, and the next attempt will tell.
func (r *round) save(ctx context.Context) error {
	if r.state.Equal(r.endpoint.State) {
		return nil
	}
	stored, err := r.Store.Endpoint(ctx, r.name)
	if err == nil && stored.State.Equal(r.endpoint.State) {
		err = r.Store.SetEndpointState(ctx, r.name, r.state)
	}
	if errors.Is(err, errkind.NotFound) {
		return nil // deleted meanwhile
	}
	return err
}

// turn follows whether the endpoint fails, and tells the event log when it is
// disabled. What waited for one that comes back is due at once.
func (r *round) turn(ctx context.Context, oldest delivery.Due) error {
	before := r.endpoint.State
	var found *condition.Found
	switch now := r.state; {
	case now.Disabled:
		return r.log(ctx, notification.Logged{Event: "system.endpoint.disabled", Level: notification.LevelError, Message: "Endpoint is disabled: " + now.Reason,
			Resource: notification.Resource{ID: r.name, Kind: "endpoint"}}, oldest.Notification.ID)
	case now.Failures >= delivery.Down:
		found = &condition.Found{Message: now.LastAnswer, Since: now.FailingSince}
	case now.Failing():
		return nil // perhaps it refused a single notification
	}
	key := condition.Key{Kind: condition.Failing, Resource: condition.Endpoint, Name: r.name}
	if _, err := r.follow(ctx, condition.Wrong(key, found), nil); err != nil {
		return err
	}
	if before.Failures >= delivery.Down && found == nil {
		return r.Store.MakeDue(ctx, r.name, r.now())
	}
	return nil
}

// finish says how the endpoint does and when to go on.
func (r *round) finish(ctx context.Context) error {
	backlog, err := r.Store.Backlog(ctx, r.name)
	if err != nil {
		return err
	}
	lost, err := r.Store.GivenUp(ctx, r.now().Add(-delivery.GivenUpSpan))
	if err != nil {
		return err
	}
	r.result.State, r.result.GivenUp = r.state, lost[r.name]
	r.result.Pending, r.result.Next, r.result.Oldest = backlog.Pending, r.state.Resume(backlog.Next), backlog.Oldest
	if r.state.Disabled {
		r.result.Next = time.Time{}
	}
	if !r.result.State.Disabled && !r.later.IsZero() {
		return r.hold(ctx)
	}
	return nil
}
