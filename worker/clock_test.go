package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store/storetest"
)

// TestClock goes by the database, whatever the machine of the worker believes.
func TestClock(t *testing.T) {
	t.Parallel()
	ahead, failure := 2*time.Hour, error(nil)
	c, err := newClock(t.Context(), func(context.Context) (time.Time, error) { return time.Now().Add(ahead), failure })
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want time.Duration) {
		t.Helper()
		if got := time.Until(c.now()).Round(time.Minute); got != want {
			t.Errorf("%s ahead of this machine, want %s", got, want)
		}
	}
	expect(2 * time.Hour)
	failure = errors.New("not reachable")
	if err := c.adjust(t.Context()); !errors.Is(err, failure) {
		t.Error(err)
	}
	expect(2 * time.Hour)
	ahead, failure = 0, nil
	if err := c.adjust(t.Context()); err != nil {
		t.Error(err)
	}
	expect(0)
	failure = errors.New("not reachable")
	if _, err := newClock(t.Context(), c.read); !errors.Is(err, failure) {
		t.Errorf("without a first reading: %v", err)
	}
}

// TestClockOfStore reads the database that every worker has.
func TestClockOfStore(t *testing.T) {
	t.Parallel()
	c, err := newClock(t.Context(), storetest.Open(t).Clock)
	if err != nil {
		t.Fatal(err)
	}
	if apart := time.Until(c.now()).Abs(); apart > time.Minute {
		t.Errorf("%s apart", apart)
	}
}
