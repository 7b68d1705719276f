package delivery

import (
	"time"
)

// DefaultWindow is how long a delivery is retried.
const DefaultWindow = 75 * time.Hour

// waits are the pauses after the first, second, ... failed attempt, as the
// Standard Webhooks specification proposes them. The last one repeats.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
var waits = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// spread is the largest share by which jitter lengthens a pause, so that deliveries that
// failed together are not retried together.
const spread = 0.2

// Next is when to retry after a number of failed attempts that were due; false if there is no
// time left. jitter is random, from 0 up to 1. retryAfter is the pause that the receiver
// requested; it lengthens a pause, up to the longest one, so that an absurd value cannot end
// the attempts.
//
// The last attempt is at the deadline itself, to reach a receiver that recovers just before.
func Next(attempts int, now, deadline time.Time, jitter float64, retryAfter time.Duration) (time.Time, bool) {
	if !now.Before(deadline) {
		return time.Time{}, false
	}
	wait := waits[min(max(attempts, 1), len(waits))-1]
	wait += time.Duration(float64(wait) * spread * min(max(jitter, 0), 1))
	return earlier(now.Add(max(wait, bounded(retryAfter))), deadline), true
}

// Keep is when to retry after an early attempt that failed: as planned, unless the receiver
// requested more time.
func Keep(planned, now, deadline time.Time, retryAfter time.Duration) time.Time {
	if requested := now.Add(bounded(retryAfter)); requested.After(planned) {
		return earlier(requested, deadline)
	}
	return planned
}

// bounded limits the pause that a receiver requested to the longest one.
func bounded(retryAfter time.Duration) time.Duration { return min(retryAfter, waits[len(waits)-1]) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
