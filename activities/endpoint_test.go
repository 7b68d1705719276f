package activities_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// meddling sends, and has a person do something to the endpoint meanwhile, once.
type meddling struct {
	next interface {
		Send(context.Context, endpoint.Endpoint, message.Post) delivery.Answer
	}
	meddle func()
}

func (m *meddling) Send(ctx context.Context, e endpoint.Endpoint, post message.Post) delivery.Answer {
	answer := m.next.Send(ctx, e, post)
	if meddle := m.meddle; meddle != nil {
		m.meddle = nil
		meddle()
	}
	return answer
}

// TestEndpointIsChangedDuringARound: what a person says counts, whatever the
// round has found out.
func TestEndpointIsChangedDuringARound(t *testing.T) {
	t.Parallel()
	disabled := delivery.EndpointState{Disabled: true, Reason: "by hand"}
	for _, test := range []struct {
		name     string
		before   delivery.EndpointState
		status   int // of all answers
		meddle   func(*rig) error
		disabled bool
		active   bool
		sent     int
	}{
		{"disabled while it works", delivery.EndpointState{}, http.StatusOK,
			func(r *rig) error { return r.store.SetEndpointState(r.Context(), "hook", disabled) }, true, true, 1},
		{"disabled while it fails", delivery.EndpointState{}, http.StatusBadGateway,
			func(r *rig) error { return r.store.SetEndpointState(r.Context(), "hook", disabled) }, true, true, 1},
		{"enabled while it is back", delivery.EndpointState{Failures: 9}, http.StatusOK,
			func(r *rig) error { return r.store.SetEndpointState(r.Context(), "hook", delivery.EndpointState{}) }, false, true, 2},
		{"deleted", delivery.EndpointState{}, http.StatusBadGateway,
			func(r *rig) error { return r.store.DeleteEndpoint(r.Context(), "hook", r.clock.Now()) }, false, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.endpoint("hook")
			test.before.FailingSince = r.clock.Now() // asked by one delivery at a time
			r.must(r.store.SetEndpointState(t.Context(), "hook", test.before))
			r.pending(2)
			r.receiver.AnswerAlways(test.status)
			r.steps.Sender = &meddling{next: r.steps.Sender, meddle: func() { r.must(test.meddle(r)) }}
			round := r.deliver()
			if round.Active != test.active || round.State.Disabled != test.disabled {
				t.Errorf("round %+v", round)
			}
			if sent := len(r.receiver.All()); sent != test.sent {
				t.Errorf("%d sent, want %d", sent, test.sent)
			}
		})
	}
}

// TestDisabledEndpointKeepsWhatWaits until somebody enables it.
func TestDisabledEndpointKeepsWhatWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.endpoint("ops", notification.EventLog)
	r.pending(10)
	r.receiver.AnswerAlways(http.StatusGone)
	if round := r.deliver(); !round.State.Disabled || round.Pending != 10 || !round.Next.IsZero() {
		t.Errorf("round %+v", round)
	}
	r.receiver.Forget()
	r.clock.advance(2 * r.steps.Window)
	r.deliver()
	if got := len(r.receiver.All()); got > 0 {
		t.Errorf("%d sent to a disabled endpoint", got)
	}
	r.expect(10, "system.endpoint.disabled hook")
	r.receiver.AnswerAlways(http.StatusOK)
	r.must(r.store.SetEndpointState(t.Context(), "hook", delivery.EndpointState{}))
	if round := r.deliver(); round.Delivered != 10 {
		t.Errorf("enabled again: %+v", round)
	}
}

func TestDeliverToNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if round := r.deliver(); round.Active {
		t.Errorf("round %+v", round)
	}
}

func TestTestEndpoint(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		types   []notification.Type
		asked   notification.Type
		status  int
		want    notification.Type
		verdict delivery.Verdict
	}{
		{"the first type", nil, "", http.StatusOK, notification.AnalysisUpdate, delivery.VerdictDelivered},
		{"the only type", []notification.Type{notification.EventLog}, "", http.StatusOK, notification.EventLog, delivery.VerdictDelivered},
		{"the type asked for", nil, notification.PolicyEval, http.StatusBadRequest, notification.PolicyEval, delivery.VerdictFinal},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.endpoint("hook", test.types...)
			r.receiver.AnswerAlways(test.status)
			result := do[delivery.TestResult](r, r.steps.TestEndpoint, delivery.TestRequest{Endpoint: "hook", Type: test.asked})
			if result.Type != test.want || result.Verdict != test.verdict || result.Status != test.status {
				t.Errorf("result %+v", result)
			}
			if sent := r.body(r.receiver.All()[0].Body).Data.Type; sent != string(test.want) {
				t.Errorf("sent %s", sent)
			}
			r.expect(0)
			if state := r.endpointState(); state != (delivery.EndpointState{}) {
				t.Errorf("a test leaves its mark: %+v", state)
			}
		})
	}
}

func TestTestEndpointRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook", notification.TagUpdate)
	_, err := try[delivery.TestResult](r, r.steps.TestEndpoint, delivery.TestRequest{Endpoint: "nobody"})
	expectFault(t, err, errkind.NotFound, false)
	_, err = try[delivery.TestResult](r, r.steps.TestEndpoint, delivery.TestRequest{Endpoint: "hook", Type: notification.VulnUpdate})
	expectFault(t, err, errkind.Invalid, false)
}
