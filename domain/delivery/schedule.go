package delivery

import (
	"time"
)

// DefaultWindow is how long a delivery is tried.
const DefaultWindow = 75 * time.Hour

// waits are the pauses after the first, second, ... failed attempt, as the
// Standard Webhooks specification proposes them. The last one repeats.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
var waits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// spread is by how much of itself jitter lengthens a pause at most, so that
// what failed together does not come back together.
const spread = 0.2

// Next is when to try again after a number of failed attempts that were due; false if there is
// no time left. jitter is random, from 0 up to 1. retryAfter is what the
// receiver asked for; it lengthens a pause and never shortens one, and not
// beyond the longest pause, so that an absurd value cannot end the attempts.
//
// The last attempt is at deadline itself: a receiver that comes back at any
// moment before is reached.
func Next(attempts int, now, deadline time.Time, jitter float64, retryAfter time.Duration) (time.Time, bool) {
	if !now.Before(deadline) {
		return time.Time{}, false
	}
	wait := waits[min(max(attempts, 1), len(waits))-1]
	wait += time.Duration(float64(wait) * spread * min(max(jitter, 0), 1))
	return earlier(now.Add(max(wait, bounded(retryAfter))), deadline), true
}

// Keep is when to try again after an attempt that was made early and failed: as
// planned, unless the receiver asks for more time.
func Keep(planned, now, deadline time.Time, retryAfter time.Duration) time.Time {
	if asked := now.Add(bounded(retryAfter)); asked.After(planned) {
		return earlier(asked, deadline)
	}
	return planned
}

// bounded is what a receiver asked for, but not more than the longest pause.
func bounded(retryAfter time.Duration) time.Duration { return min(retryAfter, waits[len(waits)-1]) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
