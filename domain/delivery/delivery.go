// Package delivery decides how notifications reach an endpoint. Everything in it is
// pure; the store keeps the states, and one step sends.
//
// A delivery is one notification on its way to one endpoint. A message, which is one
// request, carries it alone, or with others if the endpoint's pace requires that.
//
//	            due, pace allows
//	pending ───────────────────────▶ attempt ── 2xx ──▶ delivered
//	 ▲  │                               │
//	 │  └─ undone while held back       ├─ body refused, or no time left ──▶ failed
//	 │     ▼                            │
//	 │    debounced                     └─ anything else ──▶ pending, with a later time
//	 └──────────────── sent again on demand, from any state
//
// After 413, a message is sent once more in the slim form, or divided if it has none. 410
// disables the endpoint; its deliveries stay pending. Pending deliveries of a deleted
// endpoint, or past their deadline at one that is disabled or fails, fail without an
// attempt.
//
// A crash leaves behind:
//
//   - before the message is stored: pending deliveries without a message. The next
//     round chooses messages again.
//   - after that, and before the attempt is recorded: pending deliveries with their
//     message. The same message is sent again under the same id; the receiver may have
//     it already.
//   - while the attempt is recorded with each delivery of a message: the recorded ones
//     are finished, the others are sent again, in the same message.
//   - after that, and before the endpoint's state is stored: the next attempt updates it.
package delivery

import (
	"encoding/json"
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// State is the state of one delivery.
type State string

// The delivery states.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	// Failed deliveries are not retried: rejected, or past their deadline.
	Failed State = "failed"
	// Debounced deliveries are dropped: their changes cancelled out while they were
	// delayed.
	Debounced State = "debounced"
)

// Delivery is one notification on its way to one endpoint.
type Delivery struct {
	ID           int64
	Notification string // its id
	// Message is the id of the message that tells it, together with others or by
	// itself; empty where nothing is notified together.
	Message  string
	Endpoint string // its name
	State    State
	Created  time.Time
	// Attempts are how many were made; LastTry is the last of them that failed,
	// zero if none did; NextTry is when the next is due. Early are those of them
	// that were made before they were due, to find out whether the endpoint is back.
	Attempts int
	Early    int
	LastTry  time.Time
	NextTry  time.Time
	// Deadline is the time of the last attempt.
	Deadline time.Time
	// Urgent deliveries wait for no digest and no debounce time, and what is older goes
	// with them.
	Urgent bool
	// Cut is what the endpoint's filter lets through; nil for the whole notification.
	Cut *Cut
	// Slim deliveries are sent without lists: the receiver refused the size.
	Slim bool
	// Answer is the outcome of the last attempt, for people.
	Answer string
	// Type and Subject are the notification's, where deliveries are listed.
	Type    notification.Type
	Subject string
}

// Cut is the part of a notification that one endpoint gets.
type Cut struct {
	Summary string          `json:"summary"`
	Payload json.RawMessage `json:"payload"`
}

// Attempt is one POST and its result.
type Attempt struct {
	Delivery int64
	Number   int // from 1
	At       time.Time
	Duration time.Duration
	Status   int    // HTTP status; 0 if there was no answer
	Answer   string // bounded excerpt of the answer, or the error without secrets
}

// Attempted is an attempt with what it makes of its delivery.
type Attempted struct {
	Attempt Attempt
	Next    Delivery
}

// Deliveries are those of a notification to endpoints, due at once and retried within the
// window.
func Deliveries(n notification.Notification, endpoints []string, window time.Duration) []Delivery {
	var deliveries []Delivery
	for _, name := range endpoints {
		deliveries = append(deliveries, Delivery{Notification: n.ID, Endpoint: name, State: Pending,
			Created: n.Created, NextTry: n.Created, Deadline: n.Created.Add(window)})
	}
	return deliveries
}
