package session

import (
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// GivenUp describes the deliveries that failed within the last day.
func (s *Session) GivenUp(name string, lost delivery.GivenUp) string {
	return fmt.Sprintf("%s failed within %s, the last %s: %s; see: tagwatch deliveries --failed --endpoint %s",
		wording.Count(lost.Count, "notification"), wording.Duration(delivery.GivenUpSpan), s.Ago(lost.Last), lost.Answer, name)
}

// Ago is a time relative to now; "never" for the zero time.
func (s *Session) Ago(t time.Time) string { return wording.Ago(s.Now, t) }

// When is a time, exactly and relative to now; "" for the zero time.
func (s *Session) When(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST") + " (" + s.Ago(t) + ")"
}
