package delivery

import (
	"time"
)

// Health is how deliveries to an endpoint go, in one word for lists and metrics.
type Health string

// The states of health.
const (
	HealthGood     Health = "healthy"
	HealthUntried  Health = "untried"   // nothing was sent to it yet
	HealthGivingUp Health = "giving_up" // it lost notifications within the last day
	HealthFailing  Health = "failing"   // its last attempt failed
	HealthDisabled Health = "disabled"
)

// Healths are all of them.
var Healths = []Health{HealthGood, HealthUntried, HealthGivingUp, HealthFailing, HealthDisabled}

// GivenUp sums up the deliveries to an endpoint that were given up lately: those
// that the receiver refused for good, and those that ran out of time.
type GivenUp struct {
	Count  int       `json:"count"`
	Last   time.Time `json:"last,omitzero"`
	Answer string    `json:"answer,omitempty"` // to the last attempt at the last of them
}

// GivenUpSpan is how long a delivery that was given up counts against its
// endpoint. Sending it again ends that sooner.
const GivenUpSpan = 24 * time.Hour

// Health is the worst that is known of the endpoint. One that accepts most
// notifications and refuses some is not healthy: somebody misses those.
func (s EndpointState) Health(lost GivenUp) Health {
	switch {
	case s.Disabled:
		return HealthDisabled
	case s.Failing():
		return HealthFailing
	case lost.Count > 0:
		return HealthGivingUp
	case s.LastAnswer == "":
		return HealthUntried
	}
	return HealthGood
}
