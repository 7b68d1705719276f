package main

import (
	"context"
	"sync"
	"time"
)

// merger runs a call at once, and those for the same key that are asked for
// while it runs or shortly after as one call later. So whoever asks gets a call
// that begins after it asked, and a flood costs one call in each gap.
type merger struct {
	gap     time.Duration // between the end of a call and the next of its key
	timeout time.Duration // of one call
	mu      sync.Mutex
	turns   map[string]*turn
}

// turn is a call that runs or waits to.
type turn struct {
	done chan struct{} // closed at its end
	err  error
	next *turn // asked for meanwhile
}

func newMerger(gap, timeout time.Duration) *merger {
	return &merger{gap: gap, timeout: timeout, turns: map[string]*turn{}}
}

// do returns what the call came to. The context bounds the wait, not the call.
func (m *merger) do(ctx context.Context, key string, call func(context.Context) error) error {
	asked := m.join(key, call)
	select {
	case <-asked.done:
		return asked.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join finds or makes the turn that begins after now.
func (m *merger) join(key string, call func(context.Context) error) *turn {
	m.mu.Lock()
	defer m.mu.Unlock()
	running := m.turns[key]
	if running == nil {
		first := &turn{done: make(chan struct{})}
		m.turns[key] = first
		go m.run(key, first, call)
		return first
	}
	if running.next == nil {
		running.next = &turn{done: make(chan struct{})}
	}
	return running.next
}

// run makes the calls of a key, one after the other, until none is asked for.
func (m *merger) run(key string, current *turn, call func(context.Context) error) {
	for current != nil {
		ctx, cancel := context.WithTimeout(context.Background(), m.timeout)
		current.err = call(ctx)
		cancel()
		close(current.done)
		time.Sleep(m.gap)
		current = m.advance(key, current)
	}
}

func (m *merger) advance(key string, current *turn) *turn {
	m.mu.Lock()
	defer m.mu.Unlock()
	if current.next == nil {
		delete(m.turns, key)
		return nil
	}
	m.turns[key] = current.next
	return current.next
}
