package delivery

import "github.com/tagwatch/tagwatch/domain/notification"

// EndpointDeleted is the answer of deliveries to an endpoint that is no more.
const EndpointDeleted = "the endpoint was deleted"

// Suppressed is why the delivery was not made, or not yet; false for one that was.
func (d Delivery) Suppressed() (notification.Suppression, bool) {
	s := notification.Suppression{Type: d.Type, Endpoint: d.Endpoint, Detail: d.Answer, Reason: notification.DeliveryRefused}
	switch {
	case d.State == Delivered:
		return s, false
	case d.State == Debounced:
		s.Reason = notification.Debounced
	case d.State == Pending:
		s.Reason = notification.DeliveryPending
	case d.Answer == EndpointDeleted:
		s.Reason = notification.DeliveryCanceled
	case !d.LastTry.Before(d.Deadline):
		s.Reason = notification.DeliveryExpired
	}
	return s, true
}
