package endpoint

import (
	"fmt"
	"time"
)

// Pace limits how many messages an endpoint gets. Nothing is lost: notifications above the
// limit are sent together, by cause, and debounced ones stay in the list. The zero value
// sends each notification at once, by itself.
type Pace struct {
	// RateLimit is the maximum number of messages per minute; zero for no limit.
	RateLimit int `json:"rate_limit,omitempty"`
	// Digest is how long notifications are collected before they are sent together; zero
	// for not at all. DigestCount ends that early, once so many are pending; zero for no
	// such number.
	Digest      time.Duration `json:"digest,omitempty"`
	DigestCount int           `json:"digest_count,omitempty"`
	// Debounce is how long each notification is delayed: if its subject is by then as it
	// was before, it is dropped. Zero for no delay.
	Debounce time.Duration `json:"debounce,omitempty"`
}

// Paced reports whether there is any limit.
func (p Pace) Paced() bool { return p != Pace{} }

// Ripe reports whether the pending notifications are to be sent now, given when the oldest
// was created; if not, when they will be.
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
