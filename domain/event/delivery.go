package event

import (
	"slices"
	"time"
)

// DeliveryState is how far one delivery has come.
type DeliveryState string

// The delivery states.
const (
	Pending   DeliveryState = "pending"
	Delivered DeliveryState = "delivered"
	// Failed deliveries are given up: refused for good, or out of attempts.
	Failed DeliveryState = "failed"
	// Debounced deliveries are not made: what they would tell was undone while they
	// were held back.
	Debounced DeliveryState = "debounced"
)

// Delivery is one notification on its way to one endpoint.
type Delivery struct {
	ID           int64
	Notification string // its id
	// Message is the id of the message that tells it, together with others or by
	// itself; empty where nothing is notified together.
	Message  string
	Endpoint string // its name
	State    DeliveryState
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
	Type    Type
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
func Deliveries(n Notification, endpoints []string, patience time.Duration) []Delivery {
	var deliveries []Delivery
	for _, name := range endpoints {
		deliveries = append(deliveries, Delivery{Notification: n.ID, Endpoint: name, State: Pending,
			Created: n.Created, NextTry: n.Created, Deadline: n.Created.Add(patience)})
	}
	return deliveries
}

// Route names the endpoints that a notification about the subject goes to, from
// a subscription with those options.
func Route(options Options, t Type, subject string, endpoints []Endpoint) []string {
	var names []string
	for _, e := range endpoints {
		named := slices.Contains(options.Endpoints, e.Name)
		open := len(options.Endpoints) == 0 && !e.ExplicitOnly
		if (named || open) && e.Receives(t) && e.Takes(t, subject, options.Labels) {
			names = append(names, e.Name)
		}
	}
	return names
}
