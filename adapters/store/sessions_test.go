package store_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
)

func TestSessions(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, now := t.Context(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for id, expires := range map[string]time.Time{"first": now.Add(time.Hour), "second": now.Add(2 * time.Hour)} {
			if err := s.StartSession(ctx, id, now, expires); err != nil {
				t.Fatal(err)
			}
		}
		live := func(id string, at time.Time, want bool) {
			t.Helper()
			if got, err := s.SessionLive(ctx, id, at); err != nil || got != want {
				t.Errorf("%s at %s: %t, %v, want %t", id, at, got, err, want)
			}
		}
		live("first", now, true)
		live("first", now.Add(time.Hour), false)
		live("none", now, false)
		if err := s.StartSession(ctx, "third", now.Add(time.Hour), now.Add(3*time.Hour)); err != nil {
			t.Fatal(err)
		}
		live("first", now, false) // expired, and gone
		for range 2 {
			if err := s.EndSession(ctx, "second"); err != nil {
				t.Fatal(err)
			}
		}
		live("second", now, false)
		live("third", now.Add(time.Hour), true)
	})
}
