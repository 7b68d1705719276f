package delivery

import (
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// Answer is the result of an attempt.
type Answer struct {
	Status   int // 0 if there was no answer; then Err is set
	Duration time.Duration
	// Excerpt is the beginning of the answer's body, for people: limited, printable and
	// without secrets.
	Excerpt string
	// RetryAfter is the pause that the receiver requests; zero for none.
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
