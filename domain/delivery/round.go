package delivery

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// Due is a delivery with what it delivers.
type Due struct {
	Delivery     Delivery
	Notification notification.Notification
}

// Backlog is what waits for an endpoint.
type Backlog struct {
	Pending int
	Next    time.Time // when the next attempt is due; zero without any
	Oldest  time.Time // creation of the oldest
}

// Round is what one round of deliveries to an endpoint came to.
type Round struct {
	Active    bool // false: the endpoint is gone
	Delivered int
	Retried   int
	Failed    int
	Debounced int
	Pending   int
	Oldest    time.Time // creation of the oldest pending delivery
	Next      time.Time // when the next attempt is due; zero without any
	State     EndpointState
	GivenUp   GivenUp // within GivenUpSpan
}

// TestRequest asks to send a sample notification to an endpoint.
type TestRequest struct {
	Endpoint string
	Type     notification.Type // "" for the first that the endpoint receives
}

// TestResult is what came of it.
type TestResult struct {
	Type     notification.Type
	Verdict  Verdict
	Status   int // 0 if there was no answer
	Duration time.Duration
	Answer   string
}
