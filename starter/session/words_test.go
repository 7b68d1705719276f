package session

import (
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	t.Parallel()
	s := &Session{Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for _, test := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"never", time.Time{}, "never"},
		{"seconds", s.Now.Add(-59 * time.Second), "59s ago"},
		{"minutes", s.Now.Add(-119 * time.Second), "1m ago"},
		{"hours", s.Now.Add(-47 * time.Hour), "47h ago"},
		{"days", s.Now.Add(-48 * time.Hour), "2d ago"},
		{"to come", s.Now.Add(5 * time.Minute), "in 5m"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := s.Ago(test.at); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
