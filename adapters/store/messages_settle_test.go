package store_test

import (
	"maps"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// published stores notifications a minute apart and returns their deliveries.
func published(t *testing.T, s *store.Store, ids ...string) []delivery.Delivery {
	t.Helper()
	check(t, s.SaveEndpoint(t.Context(), newEndpoint("chat"), start))
	for n, id := range ids {
		_, err := s.Publish(t.Context(), newNotification(id, n), subscription.Options{}, time.Hour)
		check(t, err)
	}
	var found []delivery.Delivery
	for _, d := range must[[]delivery.Due](t)(s.DueDeliveries(t.Context(), "chat", at(len(ids)), 0)) {
		found = append(found, d.Delivery)
	}
	return found
}

func deliveryOf(t *testing.T, s *store.Store, notification string) delivery.Delivery {
	t.Helper()
	return must[[]delivery.Delivery](t)(s.Deliveries(t.Context(), store.DeliveryFilter{Notification: notification}))[0]
}

// What was decided before is not debounced, and what is debounced can be asked for.
func TestDebounce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		d := published(t, s, "a", "b", "c")
		check(t, s.Combine(t.Context(), "group-1", []int64{d[2].ID}))
		check(t, s.Debounce(t.Context(), []int64{d[0].ID, d[1].ID, d[2].ID}, "undone"))
		for id, want := range map[string]delivery.State{"a": delivery.Debounced, "b": delivery.Debounced, "c": delivery.Pending} {
			if got := deliveryOf(t, s, id); got.State != want || (got.Answer == "undone") != (want == delivery.Debounced) {
				t.Errorf("%s: %+v", id, got)
			}
		}
		counts := must[map[delivery.State]int](t)(s.DeliveryCounts(t.Context(), "chat"))
		if want := map[delivery.State]int{delivery.Debounced: 2, delivery.Pending: 1}; !maps.Equal(counts, want) {
			t.Errorf("counts %v, want %v", counts, want)
		}
		if backlog := must[delivery.Backlog](t)(s.Backlog(t.Context(), "chat")); backlog.Pending != 1 {
			t.Errorf("backlog %+v", backlog)
		}
		check(t, s.Redeliver(t.Context(), []int64{d[0].ID}, at(9)))
		check(t, s.Debounce(t.Context(), []int64{d[0].ID}, "undone"))
		if got := deliveryOf(t, s, "a"); got.State != delivery.Pending || got.Message != "a" {
			t.Errorf("a redelivery is debounced again: %+v", got)
		}
	})
}

func TestSeparate(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		d := published(t, s, "a", "b", "c")
		check(t, s.Combine(t.Context(), "group-1", []int64{d[0].ID, d[1].ID}))
		check(t, s.Combine(t.Context(), "group-2", []int64{d[2].ID}))
		check(t, s.Separate(t.Context(), "chat", "group-1"))
		for id, want := range map[string]string{"a": "a", "b": "b", "c": "group-2"} {
			if got := deliveryOf(t, s, id); got.Message != want {
				t.Errorf("%s is notified in %s, want %s", id, got.Message, want)
			}
		}
	})
}

func TestOldestWaiting(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		if found := must[[]delivery.Due](t)(s.OldestWaiting(t.Context(), "chat", start)); len(found) > 0 {
			t.Errorf("found %+v where nothing is", found)
		}
		d := published(t, s, "a", "b", "c") // c is due
		for n, state := range map[int]delivery.State{0: delivery.Delivered, 1: delivery.Pending} {
			next := d[n]
			next.State, next.Attempts, next.Early, next.NextTry = state, 1, n, at(500)
			check(t, s.RecordAttempts(t.Context(), []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: d[n].ID, Number: 1, At: at(3)}, Next: next}}))
		}
		found := must[[]delivery.Due](t)(s.OldestWaiting(t.Context(), "chat", at(10)))
		if len(found) != 1 || found[0].Notification.ID != "b" || found[0].Delivery.Early != 1 {
			t.Errorf("the oldest is %+v", found)
		}
	})
}
