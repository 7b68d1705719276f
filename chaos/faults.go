package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// faultSpan is how long a fault lasts: long enough for every tag to be checked.
	faultSpan = 35 * time.Second
	// phase is how long each part of a fault lasts that has several.
	phase = 15 * time.Second
	// slow and loss are the weather of latency.
	slow = 5 * time.Second
	loss = 0.01
	// ahead is how far the clock is wrong.
	ahead = 2 * time.Hour
)

// tries is how often a fault is given time until it takes hold.
const tries = 3

// strike carries out a fault and returns what it did. One that does not take hold is
// an error: a run without its fault proves nothing of it.
func (w *world) strike(ctx context.Context, f faultPlan) (did string, err error) {
	if hit := w.hits(f); hit != nil {
		defer w.ledger.troubles.begin(hit...)()
	}
	switch f.kind {
	case cut:
		return w.cutCommits(ctx, f)
	case latency:
		return w.slowDown(ctx, f)
	case full:
		return w.fillDisk(ctx, f)
	case stop:
		return w.standStill(ctx, f)
	case clock:
		return w.shiftClock(ctx, f)
	case mute:
		return w.staySilent(ctx)
	case upgrade:
		return "forward and back", w.upgrade(ctx)
	case memory:
		return w.exhaustMemory(ctx, f)
	case outage:
		return w.loseCluster(ctx, f)
	}
	return "", fmt.Errorf("unknown fault %s", f.kind)
}

// hits are the victims that cannot work as they should while a fault lasts; nil for a
// fault that must not delay anything.
func (w *world) hits(f faultPlan) []string {
	switch f.kind {
	case cut:
		return []string{database}
	case latency:
		return linked
	case full:
		return []string{worker, analysis}
	case stop:
		return standing[f.form%uint64(len(standing))]
	case upgrade:
		return []string{worker}
	case outage:
		return []string{cluster}
	case memory:
		return []string{hungry[f.form%uint64(len(hungry))]}
	}
	return nil // clock, mute
}

// until has a fault last for a time, and again if it has not taken hold by then.
func until(ctx context.Context, span time.Duration, holds func() bool) (held bool) {
	for range tries {
		wait(ctx, time.Now(), span)
		if holds() || ctx.Err() != nil {
			return true
		}
	}
	return false
}

// notHeldError is that of a fault that did not take hold.
type notHeldError struct{ did string }

// Error implements error.
func (e notHeldError) Error() string {
	return fmt.Sprintf("it did not take hold, so the run shows nothing of it (%s, %d tries)", e.did, tries)
}

func notHeld(did string) error { return notHeldError{did} }

// processOf is the number of a victim's process, which may be starting just now.
func (w *world) processOf(ctx context.Context, victim string) (pid int, err error) {
	for {
		switch victim {
		case database:
			return w.database.Pid(), nil
		case analysis:
			pid, err = w.analysis.process()
		default:
			pid, err = w.stack.Pid("tagwatch-" + victim)
		}
		if err == nil || ctx.Err() != nil {
			return pid, err
		}
		wait(ctx, time.Now(), 100*time.Millisecond)
	}
}

// hold keeps victims from being killed until release is called.
func (w *world) hold(victims ...string) (release func()) {
	for _, victim := range victims {
		w.held[victim].Lock()
	}
	return func() {
		for _, victim := range victims {
			w.held[victim].Unlock()
		}
	}
}
