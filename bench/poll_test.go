package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/lab"
)

func TestLateness(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	check := func(tag string, after time.Duration) lab.Call {
		return lab.Call{Repository: "app", Reference: tag, At: start.Add(after)}
	}
	due := map[string]time.Time{"host/app:1": start, "host/app:2": start.Add(time.Second), "host/app:never": start}
	// Only the first check each tag has a time that is known.
	late := lateness(due, []lab.Call{check("2", 3*time.Second), check("1", time.Second), check("1", time.Minute), check("other", 0)}, "host")
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second}, late); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	values := make([]time.Duration, 101)
	for i := range values {
		values[i] = time.Duration(i)
	}
	for q, want := range map[float64]time.Duration{0: 0, 0.5: 50, 0.99: 99, 1: 100} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %g is %d, want %d", q, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %d", got)
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	got := median([]sample{{goroutines: 9}, {goroutines: 1}, {goroutines: 3}}, func(s sample) int64 { return s.goroutines })
	if got != 3 {
		t.Errorf("got %d, want 3", got)
	}
}
