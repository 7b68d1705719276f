package session

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/wording"
)

// Ago is a time relative to now; "never" for the zero time.
func (s *Session) Ago(t time.Time) string { return wording.Ago(s.Now, t) }

// When is a time, exactly and relative to now; "" for the zero time.
func (s *Session) When(t time.Time) string { return wording.When(s.Now, t) }
