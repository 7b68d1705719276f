package activities_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/lab"
)

// pending stores notifications for the endpoints, each about something else, a
// second apart, the oldest first, and returns their ids.
func (r *rig) pending(count int) []string {
	r.Helper()
	var ids []string
	for n := range count {
		ids = append(ids, r.pendingAbout(fmt.Sprintf("app:%d", n)))
	}
	return ids
}

func (r *rig) pendingAbout(subject string) (id string) {
	r.Helper()
	id = fmt.Sprintf("notification-%03d", len(r.notified()))
	n, err := notification.Sample(notification.TagUpdate, id, "admin", r.clock.Now())
	r.must(err)
	n.Subject = subject
	_, err = r.store.Publish(r.Context(), n, subscription.Options{}, r.steps.Window)
	r.must(err)
	r.clock.advance(time.Second)
	return id
}

func (r *rig) deliver() delivery.Round {
	r.Helper()
	return r.deliverTo("hook")
}

func (r *rig) deliverTo(name string) delivery.Round {
	r.Helper()
	return do[delivery.Round](r, r.steps.Deliver, name)
}

// untilNext lets the time pass at which the next attempt is due.
func (r *rig) untilNext(round delivery.Round) {
	r.Helper()
	if round.Next.IsZero() {
		r.Fatalf("no attempt is due: %+v", round)
	}
	r.clock.advance(max(round.Next.Sub(r.clock.Now()), 0))
}

// ids lists the notifications that arrived, in order of arrival.
func (r *rig) ids() []string {
	var ids []string
	for _, hook := range r.receiver.All() {
		ids = append(ids, hook.Header.Get("webhook-id"))
	}
	return ids
}

func (r *rig) deliveries() []delivery.Delivery {
	r.Helper()
	list, err := r.store.Deliveries(r.Context(), store.DeliveryFilter{Endpoint: "hook"})
	r.must(err)
	slices.Reverse(list) // oldest first
	return list
}

func (r *rig) endpointState() delivery.EndpointState {
	r.Helper()
	endpoint, err := r.store.Endpoint(r.Context(), "hook")
	r.must(err)
	return endpoint.State
}

func TestWhatFollowsFromAnAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status   int
		state    delivery.State
		failing  bool
		disabled bool
	}{
		{status: 200, state: delivery.Delivered},
		{status: 204, state: delivery.Delivered},
		{status: 302, state: delivery.Pending, failing: true},
		{status: 400, state: delivery.Failed},
		{status: 401, state: delivery.Pending, failing: true},
		{status: 404, state: delivery.Pending, failing: true},
		{status: 410, state: delivery.Pending, disabled: true},
		{status: 422, state: delivery.Failed},
		{status: 429, state: delivery.Pending, failing: true},
		{status: 503, state: delivery.Pending, failing: true},
	} {
		t.Run(http.StatusText(test.status), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.endpoint("hook")
			r.pending(1)
			r.receiver.AnswerAlways(test.status)
			round := r.deliver()
			sent := r.deliveries()[0]
			if sent.State != test.state || sent.Attempts != 1 {
				t.Errorf("delivery %+v", sent)
			}
			if state := r.endpointState(); state.Failing() != test.failing || state.Disabled != test.disabled {
				t.Errorf("endpoint %+v", state)
			}
			if again := !round.Next.IsZero(); again != test.failing {
				t.Errorf("round %+v", round)
			}
			r.deliver()
			if got := len(r.receiver.All()); got != 1 {
				t.Errorf("%d attempts without a pause", got)
			}
		})
	}
}

// TestDeliverAll drains more than a page, each once, and stops.
func TestDeliverAll(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	want := r.pending(120)
	round := r.deliver()
	if round.Delivered != 120 || round.Pending != 0 || !round.Next.IsZero() {
		t.Errorf("round %+v", round)
	}
	got := slices.Sorted(slices.Values(r.ids()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}

// TestEndpointDownAndBack: an endpoint that is down is asked by one delivery at a
// time, the event log tells once, and all that waited arrives when it is back.
func TestEndpointDownAndBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.endpoint("ops", notification.EventLog)
	want := r.pending(40)
	r.must(r.receiver.Pause())
	round := r.deliver()
	if failures := r.endpointState().Failures; failures != 1 {
		t.Errorf("attempts that fail together are %d failures", failures)
	}
	for range 5 {
		r.untilNext(round)
		before := attempts(r)
		if round = r.deliver(); attempts(r) != before+1 {
			t.Errorf("%d attempts at an endpoint that is down", attempts(r)-before)
		}
	}
	r.must(r.receiver.Resume())
	r.untilNext(round)
	if round = r.deliver(); round.Pending != 0 || round.State.Failing() {
		t.Errorf("after it is back: %+v", round)
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(r.ids()))); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	r.expect(40, "system.endpoint.failing hook", "system.endpoint.recovered hook")
}

func attempts(r *rig) (count int) {
	r.Helper()
	for _, d := range r.deliveries() {
		count += d.Attempts
	}
	return count
}

// TestOldestFirst: the first that an endpoint hears of after it was down is the
// oldest that is due.
func TestOldestFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	want := r.pending(3)
	r.must(r.store.SetEndpointState(t.Context(), "hook", delivery.EndpointState{FailingSince: r.clock.Now(), Failures: 5}))
	r.deliver()
	if got := r.ids(); len(got) != 3 || got[0] != want[0] {
		t.Errorf("received %v", got)
	}
}

// TestOrderOfASubject: what happened to one subject arrives in its order, however
// many others are notified of meanwhile.
func TestOrderOfASubject(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	subjects := map[string]string{} // by id
	for n := range 90 {
		subject := fmt.Sprintf("app:%d", n%3)
		subjects[r.pendingAbout(subject)] = subject
	}
	r.deliver()
	last := map[string]string{}
	for _, id := range r.ids() {
		if id < last[subjects[id]] {
			t.Errorf("%s arrived after %s", id, last[subjects[id]])
		}
		last[subjects[id]] = id
	}
	if got := len(r.ids()); got != 90 {
		t.Errorf("%d received", got)
	}
}

// TestPoisonMessage: what makes the receiver fail, every time, does not keep the
// others from it.
func TestPoisonMessage(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	ids := r.pending(20)
	sender := r.steps.Sender
	r.steps.Sender = poisoned{next: sender, id: ids[0]}
	for range 6 {
		round := r.deliver()
		if round.Pending == 1 {
			break
		}
		r.untilNext(round)
	}
	if got := slices.Sorted(slices.Values(r.ids())); !slices.Equal(got, ids[1:]) {
		t.Errorf("received %v", got)
	}
	if poison := r.deliveries()[0]; poison.State != delivery.Pending {
		t.Errorf("the poison is %+v", poison)
	}
}

type poisoned struct {
	next interface {
		Send(context.Context, endpoint.Endpoint, message.Post) delivery.Answer
	}
	id string
}

func (p poisoned) Send(ctx context.Context, e endpoint.Endpoint, post message.Post) delivery.Answer {
	if post.ID == p.id {
		return delivery.Answer{Status: http.StatusInternalServerError}
	}
	return p.next.Send(ctx, e, post)
}

// TestBodyThatCannotBeMade is no failure of the endpoint.
func TestBodyThatCannotBeMade(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(r.store.SaveEndpoint(t.Context(), endpoint.Endpoint{Name: "hook", URL: r.receiver.URL(), Format: message.FormatTemplate,
		Template: `{{range .Notifications}}{{index .Payload.curr_eval 1}}{{end}}`}, r.clock.Now()))
	r.pending(1)
	round := r.deliver()
	if state := r.endpointState(); state.Failing() || round.Retried != 1 || round.Next.IsZero() {
		t.Errorf("endpoint %+v, round %+v", state, round)
	}
	if len(r.receiver.All()) > 0 {
		t.Error("something was sent")
	}
	if answer := r.deliveries()[0].Answer; answer == "" {
		t.Error("nobody is notified why")
	}
}

// TestRetryAfterHoldsEverythingForTheEndpoint, not only what was answered so.
func TestRetryAfterHoldsEverythingForTheEndpoint(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		asked string
		wait  time.Duration
	}{{"900", 15 * time.Minute}, {"31536000", time.Hour}} {
		t.Run(test.asked, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.endpoint("hook")
			r.pending(30)
			lift := r.receiver.Fail(lab.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {test.asked}}})
			now := r.clock.Now()
			round := r.deliver()
			lift()
			if wait := round.Next.Sub(now); wait != test.wait {
				t.Errorf("the next attempt is in %s, want %s", wait, test.wait)
			}
			r.receiver.Forget()
			r.clock.advance(test.wait - time.Second)
			if r.deliver(); len(r.receiver.All()) > 0 {
				t.Error("it was not left alone")
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.pending(1)
	r.receiver.AnswerAlways(http.StatusServiceUnavailable)
	round := r.deliver()
	for round.Pending > 0 {
		r.untilNext(round)
		round = r.deliver()
	}
	given := r.deliveries()[0]
	if given.State != delivery.Failed || given.LastTry.Sub(given.Created) < r.steps.Window {
		t.Errorf("given up: %+v", given)
	}
}

// TestWorkerStopsDuringAnAttempt: that says nothing of the endpoint, and the
// attempt is made again with the same id.
func TestWorkerStopsDuringAnAttempt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	want := r.pending(1)
	ctx, stop := context.WithCancel(t.Context())
	lift := r.receiver.Fail(lab.Fault{Stall: true})
	go func() {
		_, _ = r.receiver.WaitFor(t.Context(), 1)
		stop()
	}()
	if _, err := tryWith[delivery.Round](r, ctx, r.steps.Deliver, "hook"); err == nil {
		t.Error("a round that was stopped has an outcome")
	}
	lift()
	if state := r.endpointState(); state.Failing() || r.deliveries()[0].Attempts != 0 {
		t.Errorf("endpoint %+v, delivery %+v", state, r.deliveries()[0])
	}
	r.deliver()
	if diff := cmp.Diff([]string{want[0], want[0]}, r.ids()); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}
