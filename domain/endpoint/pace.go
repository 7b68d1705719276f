package endpoint

import (
	"fmt"
	"time"
)

// Pace bounds how many messages an endpoint gets. Nothing is lost by it: what
// cannot be sent by itself is notified together, by cause, and what is debounced stays
// to be read. The zero value sends everything at once, each notification by
// itself.
type Pace struct {
	// RateLimit is how many messages a minute are sent at most; zero for no bound.
	RateLimit int `json:"rate_limit,omitempty"`
	// Digest is how long notifications are collected before they are notified
	// together; zero for not at all. DigestCount ends that sooner, once so many
	// wait; zero for no such number.
	Digest      time.Duration `json:"digest,omitempty"`
	DigestCount int           `json:"digest_count,omitempty"`
	// Debounce is how long each notification is held back: if its subject is by then
	// as it was before, it is not notified. Zero for not at all.
	Debounce time.Duration `json:"debounce,omitempty"`
}

// Paced reports whether anything is bounded.
func (p Pace) Paced() bool { return p != Pace{} }

// Ripe reports whether what waits is to be notified now, given when the oldest of it
// was created; if not, when it will be.
func (p Pace) Ripe(oldest time.Time, waiting int, now time.Time) (bool, time.Time) {
	at := oldest.Add(p.Digest)
	if !at.After(now) || p.DigestCount > 0 && waiting >= p.DigestCount {
		return true, now
	}
	return false, at
}

const longestDigest = 24 * time.Hour // also the longest window of debouncing

func (p Pace) validate() error {
	switch {
	case p.RateLimit < 0 || p.DigestCount < 0:
		return fmt.Errorf("the rate limit %d and the digest count %d must not be negative", p.RateLimit, p.DigestCount)
	case p.Digest < 0 || p.Digest > longestDigest:
		return fmt.Errorf("the digest's interval %s is not between 0 and %s", p.Digest, longestDigest)
	case p.Debounce < 0 || p.Debounce > longestDigest:
		return fmt.Errorf("the debounce time %s is not between 0 and %s", p.Debounce, longestDigest)
	case p.DigestCount > 0 && p.Digest == 0:
		return fmt.Errorf("a digest count requires a digest interval")
	}
	return nil
}
