package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/lab/process"
)

// standing are those that stand still together: both workers, Temporal, PostgreSQL,
// or the receiver and the registry, which are this process, so that their links stop
// instead.
var standing = [][]string{{worker, analysis}, {temporal}, {database}, {registry, receiver}}

func (w *world) standStill(ctx context.Context, f faultPlan) (string, error) {
	victims := standing[f.form%uint64(len(standing))]
	defer w.hold(victims...)()
	held := 0 // processes that stand still, and what waits at links that do
	for _, victim := range victims {
		if victim == registry || victim == receiver {
			held -= w.links[victim].Held()
			defer w.links[victim].Freeze()()
			continue
		}
		pid, err := w.processOf(ctx, victim)
		if err != nil {
			return "", err
		}
		resume, err := process.Pause(pid)
		if err != nil {
			return "", err
		}
		defer resume()
		held++
	}
	holds := func() bool {
		waiting := held
		for _, victim := range victims {
			if victim == registry || victim == receiver {
				waiting += w.links[victim].Held()
			}
		}
		return waiting > 0
	}
	did := fmt.Sprintf("%s for %s", strings.Join(victims, " and "), w.use.pause)
	if !until(ctx, w.use.pause, holds) {
		return did, notHeld(did + ", and nothing had to wait")
	}
	return did, nil
}

func (w *world) shiftClock(ctx context.Context, f faultPlan) (string, error) {
	victim := []string{worker, analysis}[f.form%2]
	defer w.hold(victim)()
	pid, err := w.processOf(ctx, victim)
	if err != nil {
		return "", err
	}
	restore, err := process.ShiftClock(pid, ahead)
	if err != nil {
		return "", err
	}
	wait(ctx, time.Now(), faultSpan)
	return fmt.Sprintf("%s %s ahead", victim, ahead), restore()
}

// upgrade replaces the worker by another build while one of that build works
// beside it, and goes back.
func (w *world) upgrade(ctx context.Context) error {
	defer w.hold(worker)()
	next := w.beside(nextBuild, "next")
	next.start()
	defer next.stop()
	wait(ctx, time.Now(), phase)
	if err := w.isBuild(ctx, nextBuild, next.process); err != nil {
		return err
	}
	for _, name := range []string{nextBuild, build} {
		if err := w.replace(ctx, name); err != nil {
			return err
		}
		wait(ctx, time.Now(), phase)
		if err := w.isBuild(ctx, name, func() (int, error) { return w.processOf(ctx, worker) }); err != nil {
			return err
		}
	}
	return nil
}

// isBuild is an error unless a process runs that build, or is just about to.
func (w *world) isBuild(ctx context.Context, name string, of func() (int, error)) error {
	var runs string
	held := until(ctx, phase/tries, func() bool {
		pid, err := of()
		if err != nil {
			return false
		}
		runs, err = os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		return err == nil && runs == filepath.Join(w.use.bin, name)
	})
	if !held {
		return notHeld(fmt.Sprintf("the worker is %q, not %s", runs, name))
	}
	return nil
}

// replace stops the worker of the stack as an operator does, which is started
// again as another build.
func (w *world) replace(ctx context.Context, name string) error {
	if err := w.useBuild(name); err != nil {
		return err
	}
	pid, err := w.processOf(ctx, worker)
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return err
	}
	for started := pid; started == pid; wait(ctx, time.Now(), 100*time.Millisecond) {
		if started, err = w.processOf(ctx, worker); err != nil {
			return err
		}
	}
	return nil
}
