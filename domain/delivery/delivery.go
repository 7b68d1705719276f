// Package delivery decides how notifications reach an endpoint: when a delivery is
// tried, what follows from an answer, and how the endpoint does. Everything in it is
// pure; it neither stores nor sends.
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
