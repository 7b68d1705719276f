package event

import (
	"fmt"
	"time"
)

// Pace bounds how many messages an endpoint gets. Nothing is lost by it: what
// cannot be sent by itself is told together, by cause, and what is damped stays
// to be read. The zero value sends everything at once, each notification by
// itself.
type Pace struct {
	// Budget is how many messages a minute are sent at most; zero for no bound.
	Budget int `json:"budget,omitempty"`
	// Digest is how long notifications are collected before they are told
	// together; zero for not at all. DigestCount ends that sooner, once so many
	// wait; zero for no such number.
	Digest      time.Duration `json:"digest,omitempty"`
	DigestCount int           `json:"digest_count,omitempty"`
	// Damp is how long each notification is held back: if its subject is by then
	// as it was before, it is not told. Zero for not at all.
	Damp time.Duration `json:"damp,omitempty"`
}

// Paced tells whether anything is bounded.
func (p Pace) Paced() bool { return p != Pace{} }

// Ripe tells whether what waits is to be told now, given when the oldest of it
// was created; if not, when it will be.
func (p Pace) Ripe(oldest time.Time, waiting int, now time.Time) (bool, time.Time) {
	at := oldest.Add(p.Digest)
	if !at.After(now) || p.DigestCount > 0 && waiting >= p.DigestCount {
		return true, now
	}
	return false, at
}

const longestDigest = 24 * time.Hour // also the longest window of damping

func (p Pace) validate() error {
	switch {
	case p.Budget < 0 || p.DigestCount < 0:
		return fmt.Errorf("the budget %d and the digest's count %d must not be negative", p.Budget, p.DigestCount)
	case p.Digest < 0 || p.Digest > longestDigest:
		return fmt.Errorf("the digest's interval %s is not between 0 and %s", p.Digest, longestDigest)
	case p.Damp < 0 || p.Damp > longestDigest:
		return fmt.Errorf("the time to hold back %s (damp) is not between 0 and %s", p.Damp, longestDigest)
	case p.DigestCount > 0 && p.Digest == 0:
		return fmt.Errorf("a digest by count needs an interval too, after which fewer are told")
	}
	return nil
}
