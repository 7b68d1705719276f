package polling

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Check is one tag in a poll.
type Check struct {
	Target image.Target
	// Seen is the digest that the registry last answered with; empty before the
	// first check.
	Seen image.Digest
	// Recorded is the digest that the tag's watcher recorded last, or "" before it
	// recorded one; Failing reports that it has a problem with finding the next one.
	Recorded image.Digest
	Failing  bool
	// Unstarted reports that the tag's watcher is still to be started, by whoever
	// subscribed.
	Unstarted bool
	Poll      time.Duration // zero for the default
	Next      time.Time
	// Answered is when the registry last answered; zero where it did not. Every is
	// the interval that applies.
	Answered time.Time
	Every    time.Duration
}

// Moved reports whether the tag's watcher has something to do since the check before.
// What counts is what it recorded: it may have found the move by itself, or have
// been woken in vain because a cache still gave it the earlier answer.
func (l Check) Moved(before Check) bool {
	switch {
	case l.Answered.IsZero(), l.Seen != "" && l.Seen == before.Recorded && !before.Failing:
		return false
	case before.Unstarted && before.Recorded == "":
		return false
	case l.Seen != before.Seen:
		return true
	}
	return l.Seen != "" && before.Recorded != "" && !before.Failing
}

// Poll is what one check a registry's due tags came to.
type Poll struct {
	Active  bool // false: no tag of this registry is watched any more
	Tags    int  // watched at this registry
	Checked int
	Moved   int
	Failed  int // checks that came to nothing
	// Wait is the time until the next tag is due, and Pause the least time until
	// another poll, whatever is signaled.
	Wait, Pause time.Duration
	Problem     *condition.Problem
	// Unreachable is the condition of the registry, by this and earlier polls; nil if
	// it responds.
	Unreachable *condition.Problem
	// Limited reports that the registry works and wants fewer requests.
	Limited bool
	// RateLimit is what the registry allowed the worker that checked.
	RateLimit RateLimit
}

// RegistryState is how checking the tags of one registry goes.
type RegistryState struct {
	Registry string
	Tags     int
	Failing  int       // tags that cannot be followed
	Checked  time.Time // last check that succeeded, of any tag
	// Example is the problem of one of the failing tags; nil without any.
	Example *condition.Problem
}
