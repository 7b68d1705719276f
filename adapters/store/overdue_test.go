package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestOverdue(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		pending(t, s, "late", 0)
		pending(t, s, "later", 5)
		pending(t, s, "young", 20)
		late, err := s.Overdue(ctx, at(10))
		check(t, err)
		if diff := cmp.Diff(map[string]int{"pager": 2}, late); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if n, err := s.FailUndeliverable(ctx); err != nil || n != 0 {
			t.Errorf("%d, %v given up although their endpoint exists", n, err)
		}
	})
}

// A notification that was decided before its endpoint was deleted, and stored
// after that, waits for nobody.
func TestUndeliverable(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nginx := target(t, "nginx:1")
		subscribe(t, s, nginx)
		notified := newNotification("left", 0)
		check(t, s.Record(ctx, nginx, func(view watch.RecordView) (watch.Decision, error) {
			view.State.Revision++
			return watch.Decision{State: view.State, Notifications: []notification.Notification{notified}, Deliveries: []delivery.Delivery{
				{Notification: notified.ID, Endpoint: "gone", State: delivery.Pending, Created: start, NextTry: start, Deadline: start.Add(time.Hour)}}}, nil
		}))
		if found, err := s.Undeliverable(ctx); err != nil || found != 1 {
			t.Errorf("%d found, %v", found, err)
		}
		if given, err := s.FailUndeliverable(ctx); err != nil || given != 1 {
			t.Errorf("%d given up, %v", given, err)
		}
		failed, err := s.Deliveries(ctx, store.DeliveryFilter{State: delivery.Failed})
		if err != nil || len(failed) != 1 || failed[0].Answer != "the endpoint was deleted" {
			t.Errorf("%+v, %v", failed, err)
		}
	})
}
