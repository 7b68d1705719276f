// Package delivery decides how notifications reach an endpoint. Everything in it is
// pure; the store keeps the states, and one step sends.
//
// A delivery is one notification on its way to one endpoint. It travels in a message,
// which one request carries: alone, or with others where the endpoint's pace asks for
// that.
//
//	            due, pace allows
//	pending ───────────────────────▶ attempt ── 2xx ──▶ delivered
//	 ▲  │                               │
//	 │  └─ undone while held back       ├─ body refused, or no time left ──▶ failed
//	 │     ▼                            │
//	 │    debounced                     └─ anything else ──▶ pending, with a later time
//	 └──────────────── sent again on demand, from any state
//
// The receiver's 413 leads to one more attempt in the slim form, and divides a message
// of several that has none. 410 disables the endpoint; its deliveries stay pending.
// What is pending for an endpoint that is deleted, or past its deadline at one that
// takes nothing, fails without an attempt.
//
// A crash leaves behind:
//
//   - before the message is stored: pending deliveries without a message. The next
//     round chooses messages again.
//   - after that, and before the attempt is recorded: pending deliveries with their
//     message. The same message is sent again under the same id, which the receiver
//     may have seen.
//   - while the attempt is recorded with each delivery of a message: those that were
//     reached are finished, the others are sent again, in the same message.
//   - after that, and before the endpoint's state is stored: the next attempt tells it.
package delivery

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/notification"
)

// State is how far one delivery has come.
type State string

// The delivery states.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	// Failed deliveries are given up: refused for good, or out of attempts.
	Failed State = "failed"
	// Debounced deliveries are not made: what they would tell was undone while they
	// were held back.
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
	// Deadline is the moment after which no further attempt is made.
	Deadline time.Time
	// Slim deliveries are sent without lists: the receiver refused the size.
	Slim bool
	// Answer is the outcome of the last attempt, for people.
	Answer string
	// Type and Subject are the notification's, where deliveries are listed.
	Type    notification.Type
	Subject string
}

// Attempt is one POST and what came of it.
type Attempt struct {
	Delivery int64
	Number   int // from 1
	At       time.Time
	Duration time.Duration
	Status   int    // HTTP status; 0 if there was no answer
	Answer   string // bounded excerpt of the answer, or the error without secrets
}

// Deliveries are those of a notification to endpoints, due at once and given up
// when patience is over.
func Deliveries(n notification.Notification, endpoints []string, patience time.Duration) []Delivery {
	var deliveries []Delivery
	for _, name := range endpoints {
		deliveries = append(deliveries, Delivery{Notification: n.ID, Endpoint: name, State: Pending,
			Created: n.Created, NextTry: n.Created, Deadline: n.Created.Add(patience)})
	}
	return deliveries
}
