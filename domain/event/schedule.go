package event

import "time"

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

// Next is when to try again after a number of failed attempts; false if there is
// no time left. jitter is random, from 0 up to 1. retryAfter is what the
// receiver asked for; it lengthens a pause and never shortens one, and not
// beyond the longest pause, so that an absurd value cannot end the attempts.
//
// The last attempt is at giveUp itself: a receiver that comes back at any
// moment before is reached.
func Next(attempts int, now, giveUp time.Time, jitter float64, retryAfter time.Duration) (time.Time, bool) {
	if !now.Before(giveUp) {
		return time.Time{}, false
	}
	longest := waits[len(waits)-1]
	wait := waits[min(max(attempts, 1), len(waits))-1]
	wait += time.Duration(float64(wait) * spread * min(max(jitter, 0), 1))
	wait = max(wait, min(retryAfter, longest))
	next := now.Add(wait)
	if next.After(giveUp) {
		next = giveUp
	}
	return next, true
}
