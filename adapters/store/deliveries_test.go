package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/overload"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

func newEndpoint(name string) endpoint.Endpoint {
	return endpoint.Endpoint{Name: name, URL: "https://" + name + ".example/<userId>", Types: []notification.Type{notification.TagUpdate, notification.VulnUpdate},
		Signing: []endpoint.SecretRef{"env:SECRET"}, Headers: map[string]string{"X-Team": "a"}, Timeout: 3 * time.Second}
}

func newNotification(id string, minute int) notification.Notification {
	return notification.Notification{ID: id, Type: notification.TagUpdate, Subject: "docker.io/nginx:1", Cause: notification.CauseImage, Created: at(minute),
		Payload: []byte(`{"curr_eval":["sha256:1"]}`), Summary: "nginx moved"}
}

func TestEndpoints(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		want := newEndpoint("pager")
		check(t, s.SaveEndpoint(ctx, want, at(0)))
		want.State = delivery.EndpointState{Disabled: true, Reason: "410", FailingSince: at(1), LastAnswer: "410 Gone", Failures: 3, Probe: at(2)}
		check(t, s.SetEndpointState(ctx, "pager", want.State))
		want.URL = "https://other.example"
		changed := want
		changed.State = delivery.EndpointState{}
		check(t, s.SaveEndpoint(ctx, changed, at(3)))
		check(t, s.SaveEndpoint(ctx, newEndpoint("chat"), at(3)))
		withoutEdition := cmpopts.IgnoreFields(endpoint.Endpoint{}, "Edition")
		if diff := cmp.Diff(want, must[endpoint.Endpoint](t)(s.Endpoint(ctx, "pager")), withoutEdition); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		endpoints, err := s.Endpoints(ctx)
		check(t, err)
		if diff := cmp.Diff([]endpoint.Endpoint{newEndpoint("chat"), want}, endpoints, withoutEdition); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for name, err := range map[string]error{
			"read": second(s.Endpoint(ctx, "x")), "delete": s.DeleteEndpoint(ctx, "x", at(9)), "set the state of": s.SetEndpointState(ctx, "x", delivery.EndpointState{}),
		} {
			if !errors.Is(err, errkind.NotFound) {
				t.Errorf("%s one that is not there: %v", name, err)
			}
		}
	})
}

func TestPublish(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, name := range []string{"chat", "pager", "explicit"} {
			e := newEndpoint(name)
			e.ExplicitOnly = name == "explicit"
			check(t, s.SaveEndpoint(ctx, e, start))
		}
		tests := []struct {
			id      string
			kind    notification.Type
			options subscription.Options
			want    []string
		}{
			{"open", notification.TagUpdate, subscription.Options{}, []string{"chat", "pager"}},
			{"named", notification.TagUpdate, subscription.Options{Endpoints: []string{"explicit"}}, []string{"explicit"}},
			{"to nobody", notification.EventLog, subscription.Options{}, nil},
		}
		for _, test := range tests {
			n := newNotification(test.id, 0)
			n.Type = test.kind
			for range 2 {
				names, err := s.Publish(ctx, n, test.options, time.Hour)
				if err != nil || !slices.Equal(names, test.want) {
					t.Errorf("%s: %v, %v", test.id, names, err)
				}
			}
		}
		stored := must[store.StoredNotification](t)(s.Notification(ctx, "open"))
		if diff := cmp.Diff(newNotification("open", 0), stored.Notification); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		deliveries, err := s.Deliveries(ctx, store.DeliveryFilter{Endpoint: "explicit"})
		check(t, err)
		want := []delivery.Delivery{{ID: deliveries[0].ID, Notification: "named", Type: notification.TagUpdate, Subject: "docker.io/nginx:1", Endpoint: "explicit", State: delivery.Pending,
			Created: at(0), NextTry: at(0), Deadline: at(60)}}
		if diff := cmp.Diff(want, deliveries); diff != "" {
			t.Errorf("deliveries (-want +got)\n%s", diff)
		}
		if _, err := s.Notification(ctx, "unknown"); !errors.Is(err, errkind.NotFound) {
			t.Errorf("unknown: %v", err)
		}
	})
}

func TestNotifications(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for i := range 5 {
			n := newNotification(fmt.Sprint(i), i)
			if i%2 == 1 {
				n.Type, n.Subject = notification.VulnUpdate, "docker.io/redis:7"
			}
			_, err := s.Publish(ctx, n, subscription.Options{}, time.Hour)
			check(t, err)
		}
		tests := []struct {
			name   string
			filter store.NotificationFilter
			want   []string
		}{
			{"all", store.NotificationFilter{}, []string{"0", "1", "2", "3", "4"}},
			{"newest", store.NotificationFilter{Newest: true, Limit: 2}, []string{"4", "3"}},
			{"types before the limit", store.NotificationFilter{Types: []notification.Type{notification.VulnUpdate, notification.PolicyEval}, Limit: 2}, []string{"1", "3"}},
			{"type", store.NotificationFilter{Types: []notification.Type{notification.VulnUpdate}}, []string{"1", "3"}},
			{"subject", store.NotificationFilter{Subject: "docker.io/nginx:1", Newest: true}, []string{"4", "2", "0"}},
		}
		for _, test := range tests {
			found, err := s.Notifications(ctx, test.filter)
			check(t, err)
			if got := ids(found); !slices.Equal(got, test.want) {
				t.Errorf("%s: %v", test.name, got)
			}
		}
		var paged []string
		var after int64
		for {
			page, err := s.Notifications(ctx, store.NotificationFilter{After: after, Limit: 2})
			check(t, err)
			if len(page) == 0 {
				break
			}
			paged, after = append(paged, ids(page)...), page[len(page)-1].Seq
		}
		if !slices.Equal(paged, []string{"0", "1", "2", "3", "4"}) {
			t.Errorf("paged: %v", paged)
		}
	})
}

func ids(notifications []store.StoredNotification) (ids []string) {
	for _, n := range notifications {
		ids = append(ids, n.ID)
	}
	return ids
}

// TestCursorMissesNothing reads with a cursor while others write: each
// notification comes once.
func TestCursorMissesNothing(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		ctx := t.Context()
		writers := []*store.Store{open(t, url), open(t, url), open(t, url)}
		reader := open(t, url)
		const each = 30
		var writing sync.WaitGroup
		for w, s := range writers {
			writing.Go(func() {
				for i := range each {
					if _, err := s.Publish(ctx, newNotification(fmt.Sprintf("%d-%d", w, i), i), subscription.Options{}, time.Hour); err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		go func() { writing.Wait(); close(done) }()
		read := map[string]int{}
		var after int64
		for last := false; !last; {
			select {
			case <-done:
				last = true // one more check, behind the last write
			default:
			}
			page, err := reader.Notifications(ctx, store.NotificationFilter{After: after})
			check(t, err)
			for _, n := range page {
				read[n.ID]++
				after = n.Seq
			}
		}
		if len(read) != len(writers)*each {
			t.Errorf("read %d of %d", len(read), len(writers)*each)
		}
	})
}

// pending publishes a notification to the endpoint pager and returns its
// delivery.
func pending(t *testing.T, s *store.Store, id string, minute int) delivery.Due {
	t.Helper()
	ctx := t.Context()
	if _, err := s.Endpoint(ctx, "pager"); err != nil {
		check(t, s.SaveEndpoint(ctx, newEndpoint("pager"), start))
	}
	_, err := s.Publish(ctx, newNotification(id, minute), subscription.Options{}, time.Hour)
	check(t, err)
	due, err := s.DueDeliveries(ctx, "pager", at(1000), 0)
	check(t, err)
	for _, d := range due {
		if d.Notification.ID == id {
			return d
		}
	}
	t.Fatalf("%s is not due", id)
	return delivery.Due{}
}

func TestDelivering(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		younger, older := pending(t, s, "younger", 5), pending(t, s, "older", 1)
		due, err := s.DueDeliveries(ctx, "pager", at(5), 10)
		check(t, err)
		if len(due) != 2 || due[0].Notification.ID != "older" || due[1].Delivery.ID != younger.Delivery.ID {
			t.Fatalf("due, oldest first: %+v", due)
		}
		if due, err = s.DueDeliveries(ctx, "pager", at(4), 10); err != nil || len(due) != 1 {
			t.Errorf("the younger is due already: %+v, %v", due, err)
		}
		next := older.Delivery
		next.Attempts, next.LastTry, next.NextTry, next.Answer = 1, at(6), at(9), "503 \xff\x00"
		attempt := delivery.Attempt{Delivery: next.ID, Number: 1, At: at(6), Duration: 1500 * time.Millisecond, Status: 503, Answer: "503 \xff\x00"}
		for range 2 {
			check(t, s.RecordAttempts(ctx, []delivery.Attempted{{Attempt: attempt, Next: next}}))
		}
		backlog := must[delivery.Backlog](t)(s.Backlog(ctx, "pager"))
		if diff := cmp.Diff(delivery.Backlog{Pending: 2, Next: at(5), Oldest: at(1)}, backlog); diff != "" {
			t.Errorf("backlog (-want +got)\n%s", diff)
		}
		check(t, s.MakeDue(ctx, "pager", at(7)))
		if due, err = s.DueDeliveries(ctx, "pager", at(7), 10); err != nil || len(due) != 2 || due[0].Delivery.Attempts != 1 {
			t.Errorf("made due: %+v, %v", due, err)
		}
		next.Attempts, next.State, next.Answer = 2, delivery.Delivered, "200 OK"
		check(t, s.RecordAttempts(ctx, []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: next.ID, Number: 2, At: at(7), Status: 200, Answer: "200 OK"}, Next: next}}))

		attempt.Answer = "503 \uFFFD\uFFFD"
		attempts, err := s.Attempts(ctx, next.ID)
		check(t, err)
		want := []delivery.Attempt{attempt, {Delivery: next.ID, Number: 2, At: at(7), Status: 200, Answer: "200 OK"}}
		if diff := cmp.Diff(want, attempts); diff != "" {
			t.Errorf("attempts (-want +got)\n%s", diff)
		}
		for name, filter := range map[string]store.DeliveryFilter{
			"delivered": {State: delivery.Delivered}, "notification": {Notification: "older"}, "limit": {Limit: 1, Endpoint: "pager", State: delivery.Delivered},
		} {
			deliveries, err := s.Deliveries(ctx, filter)
			check(t, err)
			listed := next
			listed.Type, listed.Subject = notification.TagUpdate, "docker.io/nginx:1"
			if diff := cmp.Diff([]delivery.Delivery{listed}, deliveries); diff != "" {
				t.Errorf("%s (-want +got)\n%s", name, diff)
			}
		}
		if recent, err := s.Deliveries(ctx, store.DeliveryFilter{Since: at(2)}); err != nil || len(recent) != 1 || recent[0].Notification != "younger" {
			t.Errorf("since: %+v, %v", recent, err)
		}
		if none := must[delivery.Backlog](t)(s.Backlog(ctx, "chat")); none != (delivery.Backlog{}) {
			t.Errorf("backlog of nobody: %+v", none)
		}
	})
}

// TestRecordAttempts records many at once, each on its own: one that was recorded before
// changes nothing.
func TestRecordAttempts(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var made []delivery.Attempted
		for n := range 130 {
			next := pending(t, s, fmt.Sprint("n", n), n).Delivery
			next.Attempts, next.LastTry, next.NextTry, next.Answer, next.Slim = 1, at(200), at(201+n), fmt.Sprint("503 ", n), n%2 == 1
			made = append(made, delivery.Attempted{Next: next,
				Attempt: delivery.Attempt{Delivery: next.ID, Number: 1, At: at(200), Status: 503, Answer: next.Answer}})
		}
		check(t, s.RecordAttempts(ctx, made[7:8]))
		made[7].Next.State = delivery.Failed
		slices.Reverse(made)
		check(t, s.RecordAttempts(ctx, made))
		check(t, s.RecordAttempts(ctx, nil))
		stored := must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{}))
		if len(stored) != len(made) {
			t.Fatalf("%d deliveries, want %d", len(stored), len(made))
		}
		for _, m := range made {
			want := m.Next
			want.State = delivery.Pending
			at := slices.IndexFunc(stored, func(d delivery.Delivery) bool { return d.ID == want.ID })
			got := stored[at]
			got.Type, got.Subject = want.Type, want.Subject
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", want.Notification, diff)
			}
			if attempts := must[[]delivery.Attempt](t)(s.Attempts(ctx, want.ID)); len(attempts) != 1 || attempts[0] != m.Attempt {
				t.Errorf("%s: attempts %+v", want.Notification, attempts)
			}
		}
	})
}

func TestDeleteEndpoint(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		sending, waiting := pending(t, s, "sending", 0), pending(t, s, "waiting", 1)
		if names, err := s.BacklogEndpoints(ctx); err != nil || !slices.Equal(names, []string{"pager"}) {
			t.Errorf("%v, %v", names, err)
		}
		check(t, s.DeleteEndpoint(ctx, "pager", at(9)))
		failed, err := s.Deliveries(ctx, store.DeliveryFilter{State: delivery.Failed})
		if err != nil || len(failed) != 2 || failed[0].Answer != "the endpoint was deleted" {
			t.Errorf("%+v, %v", failed, err)
		}
		if names, err := s.BacklogEndpoints(ctx); err != nil || len(names) != 0 {
			t.Errorf("%v, %v", names, err)
		}
		// What was under way arrives all the same; what is to be retried does not.
		arrived, retried := sending.Delivery, waiting.Delivery
		arrived.State, arrived.Attempts, retried.Attempts = delivery.Delivered, 1, 1
		check(t, s.RecordAttempts(ctx, []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: arrived.ID, Number: 1, At: at(1)}, Next: arrived}}))
		check(t, s.RecordAttempts(ctx, []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: retried.ID, Number: 1, At: at(1)}, Next: retried}}))
		for id, want := range map[string]delivery.State{"sending": delivery.Delivered, "waiting": delivery.Failed} {
			if d, err := s.Deliveries(ctx, store.DeliveryFilter{Notification: id}); err != nil || d[0].State != want {
				t.Errorf("%s: %+v, %v", id, d, err)
			}
		}
		if err := s.Redeliver(ctx, []int64{arrived.ID}, at(2)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("redeliver to nobody: %v", err)
		}
	})
}

func TestRedeliver(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		done, waiting := pending(t, s, "done", 0).Delivery, pending(t, s, "waiting", 1).Delivery
		done.State, done.Attempts = delivery.Delivered, 1
		check(t, s.RecordAttempts(ctx, []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: done.ID, Number: 1, At: at(1)}, Next: done}}))
		if err := s.Redeliver(ctx, []int64{done.ID, 999}, at(9)); !errors.Is(err, errkind.NotFound) {
			t.Errorf("unknown: %v", err)
		}
		if d, err := s.Deliveries(ctx, store.DeliveryFilter{State: delivery.Delivered}); err != nil || len(d) != 1 {
			t.Errorf("the known one was made due: %+v, %v", d, err)
		}
		for minute := range 2 { // again: the time until giving up does not add up
			check(t, s.Redeliver(ctx, []int64{waiting.ID, done.ID, done.ID}, at(100+minute)))
		}
		due, err := s.DueDeliveries(ctx, "pager", at(101), 10)
		check(t, err)
		if len(due) != 2 || due[0].Delivery.Attempts != 1 || !due[0].Delivery.Deadline.Equal(at(161)) || due[0].Delivery.State != delivery.Pending {
			t.Errorf("%+v", due)
		}
	})
}

func TestTotals(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		nothing := store.Totals{TagsByStatus: map[policy.Status]int{}, FailingByKind: map[string]int{}, FailingSteps: map[condition.Resource]int{}, ImagesByState: map[string]int{},
			DeliveriesByState: map[delivery.State]int{}, NotificationsByType: map[notification.Type]int{}, EndpointsByHealth: map[delivery.Health]int{},
			Queues: []overload.Queue{{Kind: overload.FirstChecks}, {Kind: overload.Checks}, {Kind: overload.Analyses}, {Kind: overload.Deliveries}}}
		if diff := cmp.Diff(nothing, must[store.Totals](t)(s.Totals(ctx, at(0)))); diff != "" {
			t.Errorf("of nothing (-want +got)\n%s", diff)
		}
		pending(t, s, "one", 0)
		nginx, redis := target(t, "nginx:1"), target(t, "redis:7")
		subscribe(t, s, nginx, redis)
		record(t, s, nginx, fullState())
		advance(t, s, "", "sha256:g1", nil)
		want := store.Totals{
			TagsByStatus: map[policy.Status]int{"": 1, policy.Fail: 1}, FailingByKind: map[string]int{"NotFound": 1}, FailingSteps: map[condition.Resource]int{},
			Due: 2, DueSince: at(0), ImagesByState: map[string]int{},
			NotificationsByType: map[notification.Type]int{notification.TagUpdate: 1}, DeliveriesByState: map[delivery.State]int{delivery.Pending: 1},
			PendingSince: at(0), EndpointsByHealth: map[delivery.Health]int{delivery.HealthUntried: 1}, FeedBuilt: built,
			FeedProviders: build("sha256:g1").Providers,
			Queues: []overload.Queue{{Kind: overload.FirstChecks, Waiting: 1, Since: at(0)}, {Kind: overload.Checks, Waiting: 2, Since: at(0)},
				{Kind: overload.Analyses}, {Kind: overload.Deliveries, Waiting: 1, Since: at(0)}},
		}
		if diff := cmp.Diff(want, must[store.Totals](t)(s.Totals(ctx, at(100)))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// TestNotificationByItsBeginning: as much of an id as tells it apart is enough.
func TestNotificationByItsBeginning(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for i, id := range []string{"2f6c4a0e-1", "2f6c4a0e-12", "2f6c9999-1", "3"} {
			must[[]string](t)(s.Publish(ctx, newNotification(id, i), subscription.Options{}, time.Hour))
		}
		for _, test := range []struct {
			given, want string
			err         error
		}{
			{"2f6c9", "2f6c9999-1", nil},
			{"2f6c4a0e-1", "2f6c4a0e-1", nil}, // the whole of one, and the beginning of another
			{"3", "3", nil},
			{"2f6c4", "", errkind.Conflict},
			{"2f6c5", "", errkind.NotFound},
			{"2f6c%", "", errkind.NotFound},
			{"", "", errkind.NotFound},
		} {
			got, err := s.Notification(ctx, test.given)
			if got.ID != test.want || !errors.Is(err, test.err) {
				t.Errorf("%q: %q, %v; want %q, %v", test.given, got.ID, err, test.want, test.err)
			}
		}
	})
}

// TestDeliveriesSayWhatTheyAreAbout.
func TestDeliveriesSayWhatTheyAreAbout(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveEndpoint(ctx, newEndpoint("pager"), at(0)))
		must[[]string](t)(s.Publish(ctx, newNotification("n", 1), subscription.Options{}, time.Hour))
		found, err := s.Deliveries(ctx, store.DeliveryFilter{})
		if err != nil || len(found) != 1 || found[0].Type != notification.TagUpdate || found[0].Subject != "docker.io/nginx:1" {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

// TestDeliveriesByPages: each delivery is on one page, and those of some ids are found.
func TestDeliveriesByPages(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveEndpoint(ctx, newEndpoint("pager"), at(0)))
		check(t, s.SaveEndpoint(ctx, newEndpoint("chat"), at(0)))
		for i := range 5 {
			// Several are created at one time.
			must[[]string](t)(s.Publish(ctx, newNotification(fmt.Sprintf("n%d", i), i/2), subscription.Options{}, time.Hour))
		}
		whole := must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{}))
		var paged []delivery.Delivery
		for before := int64(0); ; before = paged[len(paged)-1].ID {
			page := must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{Before: before, Limit: 3}))
			if paged = append(paged, page...); len(page) < 3 {
				break
			}
		}
		if diff := cmp.Diff(whole, paged); diff != "" || len(whole) != 10 {
			t.Errorf("%d deliveries; by pages (-whole +paged)\n%s", len(whole), diff)
		}
		some := must[[]delivery.Delivery](t)(s.Deliveries(ctx, store.DeliveryFilter{IDs: []int64{whole[2].ID, whole[7].ID, 1 << 40}}))
		if diff := cmp.Diff([]delivery.Delivery{whole[2], whole[7]}, some); diff != "" {
			t.Errorf("by ids (-want +got)\n%s", diff)
		}
	})
}
