package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

func TestGivenUp(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveEndpoint(ctx, newEndpoint("chat"), start))
		for n, id := range []string{"a", "b", "c"} {
			_, err := s.Publish(ctx, newNotification(id, n), subscription.Options{}, time.Hour)
			check(t, err)
		}
		due := must[[]delivery.Due](t)(s.DueDeliveries(ctx, "chat", at(10), 0))
		deadline := func(d delivery.Delivery, minute int, answer string) {
			d.Attempts, d.State, d.LastTry, d.Answer = d.Attempts+1, delivery.Failed, at(minute), answer
			check(t, s.RecordAttempts(ctx, []delivery.Attempted{{Attempt: delivery.Attempt{Delivery: d.ID, Number: d.Attempts, At: at(minute), Answer: answer}, Next: d}}))
		}
		deadline(due[0].Delivery, 20, "HTTP 400")
		deadline(due[1].Delivery, 30, "HTTP 422")
		expect := func(since int, want map[string]delivery.GivenUp) {
			t.Helper()
			if diff := cmp.Diff(want, must[map[string]delivery.GivenUp](t)(s.GivenUp(ctx, at(since)))); diff != "" {
				t.Errorf("given up since minute %d (-want +got)\n%s", since, diff)
			}
		}
		expect(20, map[string]delivery.GivenUp{"chat": {Count: 2, Last: at(30), Answer: "HTTP 422"}})
		expect(21, map[string]delivery.GivenUp{"chat": {Count: 1, Last: at(30), Answer: "HTTP 422"}})
		expect(31, map[string]delivery.GivenUp{})
		if got := must[store.Totals](t)(s.Totals(ctx, at(40))).EndpointsByHealth; got[delivery.HealthGivingUp] != 1 {
			t.Errorf("health %v", got)
		}

		unannounced := func(want ...string) {
			t.Helper()
			var got []string
			for _, d := range must[[]delivery.Due](t)(s.Unannounced(ctx, "chat", 10)) {
				got = append(got, d.Notification.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("not announced (-want +got)\n%s", diff)
			}
		}
		unannounced("a", "b")
		check(t, s.Announced(ctx, []int64{due[0].Delivery.ID, due[2].Delivery.ID}))
		unannounced("b")

		// What is sent again and given up again is news, and so is what is lost
		// with its endpoint.
		check(t, s.Redeliver(ctx, []int64{due[0].Delivery.ID}, at(50)))
		expect(20, map[string]delivery.GivenUp{"chat": {Count: 1, Last: at(30), Answer: "HTTP 422"}})
		again := due[0].Delivery
		again.Attempts = 1
		deadline(again, 60, "HTTP 400")
		unannounced("a", "b")
		check(t, s.DeleteEndpoint(ctx, "chat", at(9)))
		unannounced("a", "b", "c")
		if diff := cmp.Diff([]string{"chat"}, must[[]string](t)(s.UnannouncedEndpoints(ctx))); diff != "" {
			t.Errorf("endpoints (-want +got)\n%s", diff)
		}

		// Another endpoint of the name did not lose that.
		check(t, s.SaveEndpoint(ctx, newEndpoint("chat"), at(70)))
		expect(0, map[string]delivery.GivenUp{})
	})
}
