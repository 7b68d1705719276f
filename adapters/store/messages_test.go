package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

func TestMessages(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveEndpoint(ctx, newEndpoint("chat"), start))
		for n, id := range []string{"a", "b", "c"} {
			_, err := s.Publish(ctx, newNotification(id, n), subscription.Options{}, time.Hour)
			check(t, err)
		}
		due := must[[]delivery.Due](t)(s.DueDeliveries(ctx, "chat", at(10), 0))
		a, b, c := due[0].Delivery, due[1].Delivery, due[2].Delivery
		check(t, s.Combine(ctx, "group-1", []int64{a.ID, b.ID}))
		check(t, s.Combine(ctx, "group-2", []int64{b.ID, c.ID})) // b is decided

		want := map[string][]string{"group-1": {"a", "b"}, "group-2": {"c"}, "group-3": nil}
		for message, ids := range want {
			var got []string
			for _, d := range must[[]delivery.Due](t)(s.Message(ctx, "chat", message)) {
				got = append(got, d.Notification.ID)
			}
			if !slices.Equal(got, ids) {
				t.Errorf("%s tells %v, want %v", message, got, ids)
			}
		}

		// A message counts once for each time that it was sent.
		for number, minute := range []int{3, 5} {
			for _, d := range []delivery.Delivery{a, b} {
				next := d
				next.Attempts, next.NextTry = number+1, at(20)
				check(t, s.RecordAttempts(ctx, []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: d.ID, Number: number + 1, At: at(minute)}, Next: next}}))
			}
		}
		for _, test := range []struct{ since, messages, first int }{{2, 2, 3}, {4, 1, 5}, {6, 0, 0}} {
			messages, first, err := s.Sent(ctx, "chat", at(test.since))
			check(t, err)
			if messages != test.messages || messages > 0 && !first.Equal(at(test.first).Truncate(time.Microsecond)) {
				t.Errorf("since minute %d: %d messages, the first at %v", test.since, messages, first)
			}
		}
		if next := must[time.Time](t)(s.NextTry(ctx, "chat", at(10))); !next.Equal(at(20)) {
			t.Errorf("next attempt at %v", next)
		}
		if next := must[time.Time](t)(s.NextTry(ctx, "chat", at(20))); !next.IsZero() {
			t.Errorf("next attempt at %v after the last one", next)
		}

		check(t, s.Redeliver(ctx, []int64{b.ID, c.ID}, at(30)))
		for _, d := range must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{})) {
			want := d.Notification
			if d.ID == a.ID {
				want = "group-1"
			}
			if d.Message != want {
				t.Errorf("after redelivering, %s is notified in %s", d.Notification, d.Message)
			}
		}
	})
}
