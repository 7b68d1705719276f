package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
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
		done.State = event.Delivered
		check(t, s.RecordAttempt(ctx, event.Attempt{Delivery: done.ID, Number: 1, At: at(1)}, done))
		pending(t, s, "waiting", 0)
		pending(t, s, "new", 20)

		pruned, err := s.Prune(ctx, at(10))
		check(t, err)
		if diff := cmp.Diff(watch.Pruned{Images: 1, Groups: 1, Notifications: 1}, pruned); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if _, err := s.ImageHeader(ctx, digest(1)); !errors.Is(err, fault.NotFound) {
			t.Errorf("image of no tag: %v", err)
		}
		if matches, err := s.Matches(ctx, digest(4)); err != nil || len(matches) != 2 {
			t.Errorf("findings of what it shared: %+v, %v", matches, err)
		}
		if subs, err := s.Subscriptions(ctx, watch.SubscriptionFilter{}); err != nil || len(subs) != 1 {
			t.Errorf("%+v, %v", subs, err)
		}
		left, err := s.Notifications(ctx, store.NotificationFilter{})
		if err != nil || len(left) != 2 || left[0].ID != "waiting" {
			t.Errorf("%+v, %v", left, err)
		}
		if again, err := s.Prune(ctx, at(10)); err != nil || again != (watch.Pruned{}) {
			t.Errorf("again: %+v, %v", again, err)
		}
	})
}
