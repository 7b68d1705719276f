package token

import "time"

// Keyed is a request that its sender gave a key, to send it again without having it
// carried out again.
type Keyed struct {
	// Token is the id of the token that it was sent with.
	Token, Key string
	// Request is a hash of it.
	Request string
	Begun   time.Time
}

// KeyedAnswer is the answer to a request with a key.
type KeyedAnswer struct {
	// Status is 0 while the request is under way.
	Status int
	Type   string // of the body
	// Location is the address of the task that the request started, if it did.
	Location string
	Body     []byte
}

const (
	// KeySpan is how long a key stands for the first request with it.
	KeySpan = 24 * time.Hour
	// MostKeys is how many keys of one token are kept at once.
	MostKeys = 1000
	// KeyedAbandoned is after what time a request that is still under way has been lost
	// with its worker.
	KeyedAbandoned = 2 * time.Minute
)
