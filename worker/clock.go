package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// clock goes by the time of the database's machine: a worker whose own clock is
// wrong, or is set, would leave times in the database at which nothing happens for
// hours. Between two readings it counts with the monotonic clock.
type clock struct {
	read func(context.Context) (time.Time, error)

	mu   sync.Mutex
	last time.Time // that was read
	at   time.Time // by our own clock
}

// newClock reads the time first.
func newClock(ctx context.Context, read func(context.Context) (time.Time, error)) (*clock, error) {
	c := &clock{read: read}
	return c, c.adjust(ctx)
}

// now is the time.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last.Add(time.Since(c.at))
}

// adjustInterval is how long a machine that slept can be behind.
const adjustInterval = 15 * time.Second

// follow adjusts the clock until ctx ends. Without the database it goes on as it is.
func (c *clock) follow(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(adjustInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := c.adjust(ctx); err != nil && ctx.Err() == nil {
			logger.DebugContext(ctx, "time not read, will retry", "error", err)
		}
	}
}

// slowReading is how long a reading may take to be of use.
const slowReading = time.Second

// adjust reads the time. A slow answer is not taken after the first: it was right
// at some time since the question.
func (c *clock) adjust(ctx context.Context) error {
	asked := time.Now()
	read, err := c.read(ctx)
	if err != nil {
		return err
	}
	took := time.Since(asked)
	c.mu.Lock()
	defer c.mu.Unlock()
	if took > slowReading && !c.at.IsZero() {
		return nil
	}
	c.last, c.at = read.UTC().Round(0), asked.Add(took/2)
	return nil
}
