package event

import (
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Post is what one attempt sends.
type Post struct {
	ID   string // of the notification or group; the same at every attempt
	Body Body
	At   time.Time // of the attempt, which the signature covers
	// Account and Type replace <userId> and <notification_type> in the URL.
	Account string
	Type    Type
	Trace   string // the notification's, or that of a group's first
}

// Answer is what came of an attempt.
type Answer struct {
	Status   int // 0 if there was no answer; then Err is set
	Duration time.Duration
	// Excerpt is the beginning of the answer's body, for people: bounded,
	// printable and without secrets.
	Excerpt string
	// RetryAfter is how long the receiver asks to wait; zero if it does not.
	RetryAfter time.Duration
	Err        error
}

// String is the answer in one line, for people.
func (a Answer) String() string {
	switch {
	case a.Err != nil:
		return errkind.Text(a.Err)
	case a.Excerpt == "":
		return fmt.Sprintf("HTTP %d", a.Status)
	}
	return fmt.Sprintf("HTTP %d: %s", a.Status, a.Excerpt)
}
