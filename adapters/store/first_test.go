package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// TestRecordAllOfNewTags writes what Record writes, for all new targets at once and for
// no other.
func TestRecordAllOfNewTags(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveEndpoint(ctx, endpoint.Endpoint{Name: "hook", URL: "https://receiver"}, start))
		a, b, alone, known, gone := target(t, "app:1"), target(t, "app:2"), target(t, "app:3"), target(t, "app:4"), target(t, "gone:1")
		subscribe(t, s, a, b, alone, known)
		record(t, s, known, watch.State{Revision: 7})
		decisionFor := func(target image.Target) watch.Decision {
			n := notification.Notification{ID: target.String(), Type: notification.AnalysisUpdate, Subject: target.String(), Created: at(1), Payload: []byte("{}")}
			return watch.Decision{
				State: watch.State{Revision: 1, Resolved: image.Resolved{Manifest: digest(1)}, Analyzed: digest(1), Matched: true,
					Vulnerabilities: []vuln.Finding{{ID: "CVE-1", Severity: vuln.High}}, Counts: vuln.Counts{High: 1}, Checked: at(1), Changed: at(1),
					Evaluation: &watch.Evaluation{Digest: digest(1), Bundle: "bundle", Status: "pass", FinalAction: "go", Document: []byte("{}")}},
				Notifications: []notification.Notification{n},
				Deliveries:    delivery.Deliveries(n, []string{"hook"}, time.Hour),
			}
		}
		began := target(t, "app:5") // and its watcher has checked
		subscribe(t, s, began)
		check(t, s.Started(ctx, []image.Target{began}))
		check(t, s.Note(ctx, b, at(1), nil)) // a watcher that was started otherwise
		views := must[map[image.Target]watch.RecordView](t)(s.NewTags(ctx, []image.Target{a, b, known, began, gone}))
		if len(views) != 3 || !views[a].Watched || len(views[b].Subscriptions) != 1 || views[a].Poll != 5*time.Minute || len(views[a].Endpoints) != 1 ||
			views[b].State.Revision != 0 || views[known].State.Revision != 7 {
			t.Errorf("views %+v", views)
		}
		together := []image.Target{b, a, known, gone}
		check(t, s.RecordAll(ctx, together, func(i int, view watch.RecordView) (watch.Decision, watcher.WakeReason, error) {
			if view.State.Revision > 0 {
				return watch.Decision{}, "", nil
			}
			return decisionFor(together[i]), "", nil
		}))
		check(t, s.Record(ctx, alone, func(watch.RecordView) (watch.Decision, error) { return decisionFor(alone), nil }))
		want := must[watch.RecordView](t)(s.View(ctx, alone)).State
		for _, each := range []image.Target{a, b} {
			if diff := cmp.Diff(want, must[watch.RecordView](t)(s.View(ctx, each)).State); diff != "" {
				t.Errorf("%s (-alone +with others)\n%s", each, diff)
			}
		}
		histories := must[map[image.Target][]watch.CountsAt](t)(s.Histories(ctx, []image.Target{a, alone}))
		if diff := cmp.Diff(histories[alone], histories[a]); diff != "" {
			t.Errorf("history (-alone +with others)\n%s", diff)
		}
		if state := must[watch.RecordView](t)(s.View(ctx, known)).State; state.Revision != 7 {
			t.Errorf("what was recorded is replaced: %+v", state)
		}
		notifications := must[[]store.StoredNotification](t)(s.Notifications(ctx, store.NotificationFilter{}))
		backlog := must[delivery.Backlog](t)(s.Backlog(ctx, "hook"))
		if len(notifications) != 3 || backlog.Pending != 3 {
			t.Errorf("%d notifications, %+v", len(notifications), backlog)
		}
	})
}

// TestRecordAllIsRefused: a decision that fails leaves nothing behind.
func TestRecordAllIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		a := target(t, "app:1")
		subscribe(t, s, a)
		err := s.RecordAll(t.Context(), []image.Target{a}, func(int, watch.RecordView) (watch.Decision, watcher.WakeReason, error) {
			return watch.Decision{}, "", errkind.Conflict
		})
		if !errors.Is(err, errkind.Conflict) {
			t.Errorf("%v", err)
		}
		if views := must[map[image.Target]watch.RecordView](t)(s.NewTags(t.Context(), []image.Target{a})); len(views) != 1 {
			t.Errorf("views %+v", views)
		}
	})
}

// TestSubscribeManyAtOnce: one transaction, of several statements.
func TestSubscribeManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var subs []subscription.Subscription
		var targets []image.Target
		for n := range 250 {
			one := target(t, "app:"+time.Duration(n).String())
			targets = append(targets, one)
			for _, kind := range notification.TagTypes {
				subs = append(subs, newSubscription(one, kind))
			}
		}
		twice := subs[0]
		twice.Options.MinSeverity = vuln.High
		check(t, s.Subscribe(ctx, append(subs, twice), time.Minute, start))
		found := must[map[image.Target][]subscription.Subscription](t)(s.SubscriptionsOf(ctx, append(targets, target(t, "gone:1"))))
		if len(found) != 250 {
			t.Errorf("%d targets", len(found))
		}
		for _, each := range found {
			if len(each) != len(notification.TagTypes) {
				t.Errorf("subscriptions %+v", each)
			}
		}
		if first := found[targets[0]]; !cmp.Equal(first, must[map[image.Target][]subscription.Subscription](t)(s.SubscriptionsOf(ctx, targets[:1]))[targets[0]]) {
			t.Errorf("alone it has others than %+v", first)
		}
		for _, each := range found[targets[0]] {
			if (each.Type == twice.Type) != (each.Options.MinSeverity == vuln.High) {
				t.Errorf("the last of several does not count: %+v", each)
			}
		}
	})
}
