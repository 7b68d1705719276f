package delivery

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
)

func TestSuppressed(t *testing.T) {
	t.Parallel()
	deadline := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		delivery Delivery
		want     notification.Reason // "" for a delivery that was made
	}{
		"delivered": {Delivery{State: Delivered}, ""},
		"pending":   {Delivery{State: Pending}, notification.DeliveryPending},
		"debounced": {Delivery{State: Debounced}, notification.Debounced},
		"refused":   {Delivery{State: Failed, LastTry: deadline.Add(-time.Hour), Answer: "HTTP 422"}, notification.DeliveryRefused},
		"expired":   {Delivery{State: Failed, LastTry: deadline, Answer: "HTTP 500"}, notification.DeliveryExpired},
		"deleted":   {Delivery{State: Failed, Answer: EndpointDeleted}, notification.DeliveryCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.delivery.Deadline = deadline
			got, suppressed := test.delivery.Suppressed()
			if suppressed != (test.want != "") || suppressed && (got.Reason != test.want || got.Detail != test.delivery.Answer) {
				t.Errorf("%+v, %t; want %q", got, suppressed, test.want)
			}
		})
	}
}
