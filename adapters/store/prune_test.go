package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestPrune(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		analyzed(t, s, digest(1), at(0), "old", "shared") // left by its tag
		analyzed(t, s, digest(2), at(0), "pointed-to")
		analyzed(t, s, digest(3), at(0), "last-good")
		ids := analyzed(t, s, digest(4), at(20), "young", "shared")
		save(t, s, "sha256:g1", ids, "CVE-2026-1")
		nginx, gone := target(t, "nginx:1"), target(t, "gone:1")
		subscribe(t, s, nginx, gone)
		state := fullState()
		state.Resolved.Manifest, state.Analyzed = digest(2), digest(3)
		record(t, s, nginx, state)
		_, err := s.Unsubscribe(ctx, gone, nil, at(1))
		check(t, err)
		done := pending(t, s, "delivered", 0).Delivery
		done.State = delivery.Delivered
		check(t, s.RecordAttempts(ctx, []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: done.ID, Number: 1, At: at(1)}, Next: done}}))
		pending(t, s, "waiting", 0)
		pending(t, s, "new", 20)

		pruned, err := s.Prune(ctx, at(10), at(10))
		check(t, err)
		if diff := cmp.Diff(watch.Pruned{Images: 1, Groups: 1, Notifications: 1}, pruned); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if _, err := s.ImageHeader(ctx, digest(1)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("image of no tag: %v", err)
		}
		if matches, err := s.Matches(ctx, digest(4)); err != nil || len(matches) != 2 {
			t.Errorf("findings of what it shared: %+v, %v", matches, err)
		}
		if subs, err := s.Subscriptions(ctx, subscription.Filter{}); err != nil || len(subs) != 1 {
			t.Errorf("%+v, %v", subs, err)
		}
		left, err := s.Notifications(ctx, store.NotificationFilter{})
		if err != nil || len(left) != 2 || left[0].ID != "waiting" {
			t.Errorf("%+v, %v", left, err)
		}
		if again, err := s.Prune(ctx, at(10), at(10)); err != nil || again != (watch.Pruned{}) {
			t.Errorf("again: %+v, %v", again, err)
		}
	})
}

// TestPruneLosesNoDelivery: however old, what is pending is either left to be
// tried or given up where it can be seen, for as long as anything is.
func TestPruneLosesNoDelivery(t *testing.T) {
	const late, kept = 100 * dayLong, retention * dayLong // minutes
	for name, test := range map[string]struct {
		state delivery.EndpointState
		want  delivery.State
		says  string
	}{
		"healthy":                     {delivery.EndpointState{}, delivery.Pending, ""},
		"failing before a standstill": {delivery.EndpointState{FailingSince: at(0), Failures: 9, Probe: at(5), LastAnswer: "HTTP 500"}, delivery.Pending, ""},
		"failing now":                 {delivery.EndpointState{FailingSince: at(0), Failures: 9, Probe: at(late), LastAnswer: "HTTP 500"}, delivery.Failed, "the endpoint fails: HTTP 500"},
		"disabled":                    {delivery.EndpointState{Disabled: true, Reason: "it answered 410 Gone"}, delivery.Failed, "it answered 410 Gone"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *store.Store) {
				ctx := t.Context()
				pending(t, s, "old", 0)
				_, err := s.Publish(ctx, newNotification("in time", late-kept), subscription.Options{}, time.Hour)
				check(t, err)
				check(t, s.SetEndpointState(ctx, "pager", test.state))
				prune := func(minute int) watch.Pruned { return must[watch.Pruned](t)(s.Prune(ctx, at(minute-kept), at(minute))) }
				for range 2 {
					prune(late)
				}
				old := must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{Notification: "old"}))
				if len(old) != 1 || old[0].State != test.want || !strings.Contains(old[0].Answer, test.says) {
					t.Fatalf("the old delivery: %+v, want it %s (%s)", old, test.want, test.says)
				}
				young := must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{Notification: "in time"}))
				if len(young) != 1 || young[0].State != delivery.Pending {
					t.Errorf("the delivery whose time is not over for so long: %+v", young)
				}
				prune(late + kept - 1)
				if seen := must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{Notification: "old"})); len(seen) != 1 {
					t.Error("gone before it could be seen for long")
				}
				gone := prune(late+kept+1).Notifications == 1
				if gone != (test.want == delivery.Failed) {
					t.Errorf("gone in the end: %t", gone)
				}
			})
		})
	}
}
