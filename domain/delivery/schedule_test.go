package delivery_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

// attempts lists when a receiver that never answers is asked, as time since the
// first attempt.
func attempts(window time.Duration, jitter float64, retryAfter time.Duration) []time.Duration {
	at := []time.Duration{0}
	for now := noon; ; {
		next, again := delivery.Next(len(at), now, noon.Add(window), jitter, retryAfter)
		if !again {
			return at
		}
		at, now = append(at, next.Sub(noon)), next
	}
}

func TestScheduleIsThatOfStandardWebhooks(t *testing.T) {
	t.Parallel()
	want := []time.Duration{0}
	for _, wait := range []string{"5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h"} {
		d, err := time.ParseDuration(wait)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, want[len(want)-1]+d)
	}
	want = append(want, 75*time.Hour) // the window ends before the pause of 24 hours
	if diff := cmp.Diff(want, attempts(delivery.DefaultWindow, 0, 0)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	const far = 1000 * time.Hour
	for _, test := range []struct {
		name       string
		attempts   int
		left       time.Duration // until giving up
		jitter     float64
		retryAfter time.Duration
		want       time.Duration // 0: no further attempt
	}{
		{"first failure", 1, far, 0, 0, 5 * time.Second},
		{"no attempt counted yet", 0, far, 0, 0, 5 * time.Second},
		{"beyond the schedule", 30, far, 0, 0, 24 * time.Hour},
		{"jitter lengthens", 2, far, 0.5, 0, 330 * time.Second},
		{"jitter is bounded", 2, far, 9, 0, 6 * time.Minute},
		{"jitter never shortens", 2, far, -1, 0, 5 * time.Minute},
		{"the receiver asks for more", 1, far, 0, time.Minute, time.Minute},
		{"the receiver asks for less", 2, far, 0, time.Second, 5 * time.Minute},
		{"the receiver asks for a year", 1, far, 0, 365 * 24 * time.Hour, 24 * time.Hour},
		{"the last attempt is at the end", 5, time.Hour, 0, 0, time.Hour},
		{"also if the receiver asks for more", 1, time.Hour, 0, 2 * time.Hour, time.Hour},
		{"the time is up", 1, 0, 0, 0, 0},
		{"the time is long up", 1, -time.Hour, 0, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			next, again := delivery.Next(test.attempts, noon, noon.Add(test.left), test.jitter, test.retryAfter)
			if again != (test.want > 0) {
				t.Fatalf("again is %t", again)
			}
			if got := next.Sub(noon); again && got != test.want {
				t.Errorf("waits %s, want %s", got, test.want)
			}
		})
	}
}

// Whatever the outage's length, up to the window, an attempt follows its end.
func TestNoOutageWithinTheWindowLosesADelivery(t *testing.T) {
	t.Parallel()
	for _, jitter := range []float64{0, 0.3, math.Nextafter(1, 0)} {
		at := attempts(delivery.DefaultWindow, jitter, 0)
		for outage := time.Minute; outage <= delivery.DefaultWindow; outage += time.Minute {
			if last := at[len(at)-1]; last < outage {
				t.Fatalf("jitter %g: no attempt after an outage of %s, the last is at %s", jitter, outage, last)
			}
		}
	}
}
