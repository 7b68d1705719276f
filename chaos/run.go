package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// once carries out the plan of a seed and holds the outcome to the ledger.
func (w *world) once(ctx context.Context, number, of int, seed int64, all *summary) error {
	if err := w.log.begin(fmt.Sprintf("run-%03d-seed-%d", number, seed)); err != nil {
		return err
	}
	p, began := newPlan(seed, w.use.faults), time.Now()
	ctx, cancel := context.WithTimeout(ctx, w.use.pause+2*patience)
	defer cancel()
	var did string
	var err error
	if p.fault != nil && p.fault.kind == mute {
		w.mute, err = newMuteReceivers(ctx, w)
	}
	if err == nil {
		did, err = w.carryOut(ctx, p)
	}
	if err == nil || errors.As(err, new(notHeldError)) { // the ledger may say why it did not
		err = errors.Join(err, w.balance(ctx))
	}
	err = errors.Join(err, w.mute.close(ctx, w))
	worst, repeated := w.ledger.counts()
	all.add(p, did, worst)
	if did != "" {
		did = " (" + did + ")"
	}
	fmt.Printf("run %d/%d  seed %d  %s%s: %d notified, %d repeated, %.1f s\n    closest to its limit: %s\n", number, of, seed, p, did, worst.count, repeated, time.Since(began).Seconds(), worst)
	return err
}

// carryOut does everything of the plan at its moment, side by side. Changes of
// the tags follow one another: they share what is known of them. It returns what
// the fault did.
func (w *world) carryOut(ctx context.Context, p plan) (did string, err error) {
	var all sync.WaitGroup
	failures := make(chan error, 6+len(p.kills))
	begin := func(do func() error) {
		all.Go(func() {
			if err := do(); err != nil {
				failures <- err
			}
		})
	}
	began := time.Now()
	begin(func() error { return w.changeTags(ctx, p, began) })
	begin(func() error { return w.changeDeployments(ctx, p, began) })
	if p.data >= 0 {
		begin(func() error {
			wait(ctx, began, p.data)
			return w.updateData(ctx, p.policy >= 0)
		})
	}
	if p.policy >= 0 {
		begin(func() error {
			wait(ctx, began, p.policy)
			return w.changePolicy(ctx)
		})
	}
	for _, k := range p.kills {
		begin(func() error {
			wait(ctx, began, k.at)
			return w.kill(ctx, k)
		})
	}
	if p.fault != nil {
		begin(func() error {
			wait(ctx, began, p.fault.at)
			var err error
			if did, err = w.strike(ctx, *p.fault); err != nil {
				err = fmt.Errorf("fault %s: %w", p.fault.kind, err)
			}
			return err
		})
	}
	all.Wait()
	close(failures)
	return did, <-failures // nil without any
}

// changeTags moves tags and lets the repository grow.
func (w *world) changeTags(ctx context.Context, p plan, began time.Time) error {
	for _, planned := range p.moves {
		wait(ctx, began, planned.at)
		m := &w.movers[planned.mover]
		before := m.images[m.now]
		// What is expected stands in the ledger before it can come.
		if err := w.moveAsPlanned(m, planned); err != nil {
			return err
		}
		w.expectMove(m, before)
	}
	for _, at := range p.grow {
		wait(ctx, began, at)
		if err := w.grow(); err != nil {
			return err
		}
		w.expectGrowth()
	}
	return nil
}

func (w *world) moveAsPlanned(m *mover, planned movePlan) error {
	if planned.back && len(m.images) > 1 {
		return w.point(m, (m.now+1)%len(m.images))
	}
	return w.move(m, planned.flawed, planned.broken)
}

// kill takes a victim away and brings it back. tagwatch up starts its children
// again by itself. What a fault has to do with is killed after it.
func (w *world) kill(ctx context.Context, k killPlan) error {
	defer w.hold(k.victim)()
	defer w.ledger.troubles.begin(k.victim)()
	switch k.victim {
	case worker, temporal:
		return w.killChild(ctx, "tagwatch-"+k.victim)
	case database:
		if err := w.database.Kill(); err != nil {
			return err
		}
		wait(ctx, time.Now(), k.down)
		return w.database.Start(ctx)
	case analysis:
		w.analysis.stop()
		wait(ctx, time.Now(), k.down)
		w.analysis.start()
		return nil
	case refusing:
		w.receiver.AnswerAlways(http.StatusNotFound)
		wait(ctx, time.Now(), k.down)
		w.receiver.AnswerAlways(http.StatusOK)
		return nil
	case workflows:
		return w.cancelWorkflows(ctx)
	}
	server := map[string]interface {
		Pause() error
		Resume() error
	}{registry: w.registry, receiver: w.receiver, source: w.feed, cluster: w.cluster}[k.victim]
	if err := server.Pause(); err != nil {
		return err
	}
	wait(ctx, time.Now(), k.down)
	return server.Resume()
}

// killChild waits for a child that is just being started again.
func (w *world) killChild(ctx context.Context, program string) error {
	for {
		err := w.stack.Kill(program)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// wait waits until so long after a moment.
func wait(ctx context.Context, since time.Time, so time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(since.Add(so))):
	}
}
