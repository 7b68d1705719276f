package session

import (
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/starter/output"
)

// GivenUp says what an endpoint lost within the last day.
func (s *Session) GivenUp(name string, lost delivery.GivenUp) string {
	return fmt.Sprintf("%s failed within %s, the last %s: %s; see: tagwatch deliveries --failed --endpoint %s",
		output.Number(lost.Count, "notification"), output.Span(delivery.GivenUpSpan), s.Ago(lost.Last), lost.Answer, name)
}

// Ago is a moment as people say it; "never" for none.
func (s *Session) Ago(t time.Time) string {
	switch {
	case t.IsZero():
		return "never"
	case t.After(s.Now):
		return "in " + output.Span(t.Sub(s.Now))
	}
	return output.Span(s.Now.Sub(t)) + " ago"
}

// When is a moment exactly and as people say it; "" for none.
func (s *Session) When(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST") + " (" + s.Ago(t) + ")"
}
