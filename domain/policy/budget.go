package policy

import "time"

const (
	matchingTime  = 10 * time.Second // of one evaluation
	clockInterval = 1 << 20          // work between two looks at the clock
)

// budget bounds the time that one evaluation spends on comparing patterns with
// texts, so that no bundle and no image can keep it busy. It looks at the clock
// rarely: an ordinary evaluation ends before it looks once.
type budget struct {
	work     int // since the last look
	deadline time.Time
}

// spend tells whether there is time left for that much work. A unit of work is
// about a nanosecond.
func (b *budget) spend(work int) bool {
	if b.work += work; b.work < clockInterval {
		return true
	}
	b.work = 0
	now := time.Now()
	if b.deadline.IsZero() {
		b.deadline = now.Add(matchingTime)
	}
	return now.Before(b.deadline)
}
