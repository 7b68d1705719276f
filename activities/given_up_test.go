package activities_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/lab"
)

const givenUp = "system.endpoint.notifications_given_up hook"

// health is what every list shows of the endpoint.
func (r *rig) health() delivery.Health {
	r.Helper()
	lost, err := r.store.GivenUp(r.Context(), r.clock.Now().Add(-delivery.GivenUpSpan))
	r.must(err)
	return r.endpointState().Health(lost["hook"])
}

// entries are the payloads of the entries of the event log about the endpoint.
func (r *rig) entries() (payloads []string) {
	r.Helper()
	stored, err := r.store.Notifications(r.Context(), store.NotificationFilter{})
	r.must(err)
	for _, n := range stored {
		if n.Type == notification.EventLog && n.Subject == "hook" {
			payloads = append(payloads, string(n.Payload))
		}
	}
	return payloads
}

// TestRefusedNotificationsAreAnnounced, each of them, and an endpoint that accepts
// the next one is not healthy for that.
func TestRefusedNotificationsAreAnnounced(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.endpoint("hook")
			ids := r.pending(2)
			r.receiver.Answer(status, status)
			r.deliver()
			r.expect(2, givenUp)
			for _, id := range ids {
				if entry := r.entries()[0]; !strings.Contains(entry, id) {
					t.Errorf("%s is not in %s", id, entry)
				}
			}
			r.pendingAbout("app:accepted")
			if round := r.deliver(); round.Delivered != 1 || round.GivenUp.Count != 2 || r.health() != delivery.HealthGivingUp {
				t.Errorf("after it accepted one: %s, round %+v", r.health(), round)
			}
			r.clock.advance(delivery.GivenUpSpan + time.Minute)
			if got := r.health(); got != delivery.HealthGood {
				t.Errorf("a day later it is %s", got)
			}
		})
	}
}

// TestExpiredNotificationsAreAnnounced: the time to try them was over.
func TestExpiredNotificationsAreAnnounced(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.pending(1)
	r.receiver.AnswerAlways(http.StatusNotFound)
	round := r.deliver()
	for round.Pending > 0 {
		r.untilNext(round)
		round = r.deliver()
	}
	if got := r.notified(); !slices.Contains(got, givenUp) {
		t.Errorf("notified %v", got)
	}
}

// TestNotificationsLostOutsideOfARound: by deleting the endpoint, by the endpoint
// being gone when they were stored, and by pruning.
func TestNotificationsLostOutsideOfARound(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*rig){
		"deleted, with its workflow running": func(r *rig) {
			r.must(r.store.DeleteEndpoint(r.Context(), "hook", r.clock.Now()))
			r.deliver()
		},
		"deleted, with Temporal unreachable": func(r *rig) {
			r.must(r.store.DeleteEndpoint(r.Context(), "hook", r.clock.Now()))
			do[watcher.DeliveriesCompared](r, r.steps.CompareDeliveries, watcher.ReconcileRequest{})
		},
		"pruned": func(r *rig) {
			r.must(r.store.SetEndpointState(r.Context(), "hook", delivery.EndpointState{Disabled: true, Reason: "by hand"}))
			r.clock.advance(r.steps.Window + r.steps.Retention + time.Hour)
			do[watch.Pruned](r, r.steps.Prune)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.endpoint("hook")
			r.pending(1)
			lose(r)
			r.expect(1, givenUp)
		})
	}
}

// TestRefusingTheAnnouncement comes to an end: endpoints that refuse everything,
// the event log included, and each hears of the other.
func TestRefusingTheAnnouncement(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook", notification.TagUpdate, notification.EventLog)
	r.endpoint("other", notification.TagUpdate, notification.EventLog)
	r.pending(1)
	r.receiver.AnswerAlways(http.StatusBadRequest)
	for range 5 {
		r.deliver()
		r.deliverTo("other")
	}
	r.expect(1, givenUp, "system.endpoint.notifications_given_up other")
}

// TestKilledBeforeTheAnnouncement: the worker dies at each write of a round that
// gives a notification up, and the event log knows of it all the same.
func TestKilledBeforeTheAnnouncement(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 4; at++ {
		for _, after := range []bool{false, true} {
			r := newRig(t)
			r.endpoint("hook")
			r.pending(1)
			r.receiver.Fail(lab.Fault{Status: http.StatusUnprocessableEntity})
			r.steps.Store = &mortal{Store: r.store, at: at, after: after}
			r.deliver()
			if got := r.notified()[1:]; !slices.Equal(got, []string{givenUp}) {
				t.Errorf("killed at write %d, after it %t: notified %v", at, after, got)
			}
		}
	}
}
