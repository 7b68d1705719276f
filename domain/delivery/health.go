package delivery

import (
	"time"
)

// Health is the delivery state of an endpoint in one word, for lists and metrics.
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

// GivenUp summarizes the deliveries to an endpoint that failed lately: those that the
// receiver rejected, and those that reached their deadline.
type GivenUp struct {
	Count  int       `json:"count"`
	Last   time.Time `json:"last,omitzero"`
	Answer string    `json:"answer,omitempty"` // to the last attempt at the last of them
}

// GivenUpSpan is how long a failed delivery counts against its endpoint, unless it is sent
// again.
const GivenUpSpan = 24 * time.Hour

// Health is the worst that applies. An endpoint that accepts most notifications and rejects
// some is not healthy: those are lost.
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
