package policy

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

const (
	evaluationTime = 10 * time.Second // of one evaluation as a whole
	reportTime     = time.Minute      // of one report on whitelists
	clockInterval  = 1 << 20          // work between two readings of the clock
	elementWork    = 20               // of passing over one element of a list
)

// time limit bounds the time that one evaluation takes, so that no bundle and no
// image can keep it busy. Once it is spent it stays spent: whoever finds it so
// ends, and nothing is begun after that. It reads the clock rarely: an ordinary
// evaluation ends before it reads it once.
type timeLimit struct {
	ctx      context.Context
	time     time.Duration
	deadline time.Time
	work     int // since the last reading of the clock
	err      error
}

func newTimeLimit(ctx context.Context, limit time.Duration) *timeLimit {
	return &timeLimit{ctx: ctx, time: limit, deadline: time.Now().Add(limit), err: ctx.Err()}
}

// spend reports whether there is time left for that much work. A unit of work is
// about a nanosecond.
func (b *timeLimit) spend(work int) bool {
	if b.work += work; b.err == nil && b.work >= clockInterval {
		b.work = 0
		b.err = b.check()
	}
	return b.err == nil
}

// check reports why the work ends; nil if it goes on.
func (b *timeLimit) check() error {
	if err := b.ctx.Err(); err != nil {
		return err
	}
	if !time.Now().Before(b.deadline) {
		return fmt.Errorf("not done after %s: %w", b.time, errkind.Limit)
	}
	return nil
}

// each yields the elements of a list until the time limit is spent.
func each[T any](b *timeLimit, list []T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range list {
			if !b.spend(elementWork) || !yield(list[i]) {
				return
			}
		}
	}
}
