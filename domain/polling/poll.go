// Package polling decides when the tags of a registry are due, and holds what a poll
// and a check of a registry found. Everything in it is pure.
package polling

import (
	"hash/fnv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Polls is what is due at a registry.
type Polls struct {
	Next time.Time // when the next tag is due; zero without any
	Tags int
	// Shortest is the shortest interval that a tag has of its own; zero without any.
	Shortest time.Duration
	// Ordinary tags have the default interval.
	Ordinary int
}

// IntervalText is an interval as people write it: 5m rather than 5m0s.
func IntervalText(every time.Duration) string {
	text := every.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// pollSteps is how many times within an interval tags become due. Fewer are
// larger polls, which cost less; more spread the requests better.
const pollSteps = 20

// PollStep is the least time between two polls of a registry whose shortest
// interval that is.
func PollStep(every time.Duration) time.Duration { return every / pollSteps }

// Step is the least time between two polls of the registry.
func (p Polls) Step(ordinary time.Duration) time.Duration {
	every := p.Shortest
	if every == 0 || p.Ordinary > 0 && ordinary < every {
		every = ordinary
	}
	return PollStep(every)
}

// NextPoll is when a tag that is polled at an interval is due after now: once in
// each interval, at a point that its name decides. So tags spread over the
// interval, and those of one point are one poll.
func NextPoll(tag image.Reference, every time.Duration, now time.Time) time.Time {
	if every <= 0 {
		return now
	}
	name := fnv.New32a()
	name.Write([]byte(tag.String())) // never fails
	offset := time.Duration(name.Sum32()%pollSteps) * PollStep(every)
	return follows(now, every, offset)
}

// NextStep is the first point of the grid after now.
func NextStep(step time.Duration, now time.Time) time.Time {
	if step <= 0 {
		return now
	}
	return follows(now, step, 0)
}

// follows is the first time after now that is the offset plus whole intervals.
func follows(now time.Time, every, offset time.Duration) time.Time {
	past := (time.Duration(now.UnixNano()) - offset) / every
	return time.Unix(0, int64((past+1)*every+offset)).UTC()
}
