package activities_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestUrgentDeliveriesWaitForNothing: news of exploitation goes out at once, after
// what is older, and in the part that the endpoint's filter lets through.
func TestUrgentDeliveriesWaitForNothing(t *testing.T) {
	t.Parallel()
	for name, pace := range map[string]endpoint.Pace{"digest": {Digest: time.Hour}, "debounce": {Debounce: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.pacedEndpoint(message.FormatAnchore, pace)
			r.because(notification.CauseFeed, "docker.io/library/app:1")
			if round := r.deliver(); round.Delivered != 0 {
				t.Fatalf("round %+v, want what is not urgent to wait", round)
			}
			r.urgent("notification-urgent", `{"cut":"of it"}`)
			r.clock.advance(time.Second)
			later := r.because(notification.CauseFeed, "docker.io/library/other:1")
			if round := r.deliver(); round.Delivered != 2 || round.Pending != 1 {
				t.Fatalf("round %+v, want the urgent one and what is older", round)
			}
			var bodies []string
			for _, hook := range r.receiver.All() {
				bodies = append(bodies, string(hook.Body))
			}
			if all := strings.Join(bodies, "\n"); !strings.Contains(all, `{"cut":"of it"}`) || strings.Contains(all, later) {
				t.Errorf("received %s", all)
			}
			if ids := r.ids(); name == "debounce" && !slices.Equal(ids, []string{"notification-000", "notification-urgent"}) {
				t.Errorf("received %v, want the order of events", ids)
			}
		})
	}
}

// urgent stores a notification whose delivery is urgent and has a part of it.
func (r *rig) urgent(id, cut string) {
	r.Helper()
	r.clock.advance(time.Second)
	target, err := image.ParseTarget("docker.io/library/urgent:1")
	r.must(err)
	r.must(r.store.Subscribe(r.Context(), []subscription.Subscription{{Target: target, Type: notification.VulnUpdate, Active: true, Created: r.clock.Now(), Updated: r.clock.Now()}}, 0, r.clock.Now()))
	n, err := notification.Sample(notification.VulnUpdate, id, "admin", r.clock.Now())
	r.must(err)
	deliveries := delivery.Deliveries(n, []string{"hook"}, r.steps.Window)
	deliveries[0].Urgent, deliveries[0].Cut = true, &delivery.Cut{Summary: "a part", Payload: json.RawMessage(cut)}
	r.must(r.store.Record(r.Context(), target, func(view watch.RecordView) (watch.Decision, error) {
		view.State.Revision++
		return watch.Decision{State: view.State, Notifications: []notification.Notification{n}, Deliveries: deliveries}, nil
	}))
}
