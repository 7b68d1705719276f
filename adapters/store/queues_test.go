package store_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/overload"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// TestQueues has one tag wait for its first check: nothing else waits, and whether it waits
// for too long is a matter of time.
func TestQueues(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		queues := func(now time.Time) map[overload.Kind]overload.Queue {
			t.Helper()
			found, err := s.Queues(t.Context(), now)
			if err != nil {
				t.Fatal(err)
			}
			all := map[overload.Kind]overload.Queue{}
			for _, queue := range found {
				all[queue.Kind] = queue
			}
			if len(all) != len(overload.Kinds) {
				t.Errorf("%d queues, want %d", len(all), len(overload.Kinds))
			}
			return all
		}
		for kind, queue := range queues(at(0)) {
			if queue.Waiting != 0 || !queue.Since.IsZero() {
				t.Errorf("%s of an empty database: %+v", kind, queue)
			}
		}
		check(t, s.Subscribe(t.Context(), []subscription.Subscription{newSubscription(target(t, "registry.example.com/shop/api:1"), notification.TagUpdate)}, 0, at(0)))
		got := queues(at(3))[overload.FirstChecks]
		if got.Waiting != 1 || !got.Since.Equal(at(0)) {
			t.Errorf("%+v", got)
		}
		if totals, err := s.Totals(t.Context(), at(3)); err != nil || len(overload.Find(totals.Queues, at(3))) == 0 {
			t.Errorf("%+v, %v", totals.Queues, err)
		}
	})
}
