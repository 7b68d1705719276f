package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/disk"
	"github.com/tagwatch/tagwatch/lab/postgres"
	"github.com/tagwatch/tagwatch/lab/process"
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

// strike carries out a fault and returns what it did.
func (w *world) strike(ctx context.Context, f faultPlan) (did string, err error) {
	switch f.kind {
	case cut:
		return w.cutCommits(ctx, f), nil
	case latency:
		return w.slowDown(ctx, f), nil
	case full:
		return w.fillDisk(ctx, f)
	case stop:
		return w.standStill(ctx, f)
	case clock:
		return w.shiftClock(ctx, f)
	case mute:
		wait(ctx, time.Now(), faultSpan)
		return fmt.Sprintf("%d receivers accepted %d connections", mutes, w.mute.connections()), nil
	case upgrade:
		return "forward and back", w.upgrade(ctx)
	case memory:
		return w.exhaustMemory(ctx, f)
	}
	return "", fmt.Errorf("unknown fault %s", f.kind)
}

// cutter decides which commits are not answered.
type cutter struct {
	mu     sync.Mutex
	random *rand.Rand // nil while all are
	count  int
}

// spy looks at one connection to the database.
func (c *cutter) spy() lab.Spy {
	commits := postgres.Commits()
	return func(piece []byte) bool { return commits(piece) && c.cuts() }
}

// cuts is true of every second commit or so.
func (c *cutter) cuts() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.random == nil || c.random.IntN(2) == 0 {
		return false
	}
	c.count++
	return true
}

func (c *cutter) set(random *rand.Rand) (count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count = c.count
	c.random, c.count = random, 0
	return count
}

func (w *world) cutCommits(ctx context.Context, f faultPlan) string {
	w.cutter.set(rand.New(rand.NewPCG(f.seed, 0)))
	wait(ctx, time.Now(), faultSpan)
	return fmt.Sprintf("%d commits without an answer", w.cutter.set(nil))
}

func (w *world) slowDown(ctx context.Context, f faultPlan) string {
	lost := 0
	for n, name := range linked {
		lost -= w.links[name].Lost()
		w.links[name].Set(lab.Weather{Latency: slow, Loss: loss, Random: rand.New(rand.NewPCG(f.seed, uint64(n)))})
	}
	wait(ctx, time.Now(), 2*faultSpan)
	for _, name := range linked {
		w.links[name].Set(lab.Weather{})
		lost += w.links[name].Lost()
	}
	return fmt.Sprintf("%d connections reset", lost)
}

// fillDisk leaves one directory no room, and then no inodes.
func (w *world) fillDisk(ctx context.Context, f faultPlan) (string, error) {
	if w.disks == nil {
		return w.limitFiles(ctx)
	}
	name := w.directories()[f.form%uint64(len(w.disks))].name
	d := w.disks[f.form%uint64(len(w.disks))]
	for _, fill := range []func(*disk.Disk) error{(*disk.Disk).Fill, (*disk.Disk).FillInodes} {
		if err := fill(d); err != nil {
			return name, err
		}
		wait(ctx, time.Now(), phase)
		if err := d.Free(); err != nil {
			return name, err
		}
	}
	return name, nil
}

// limitFiles is for who may not mount: no file of the worker can grow. There is no
// such limit on inodes.
func (w *world) limitFiles(ctx context.Context) (string, error) {
	defer w.hold(worker)()
	pid, err := w.processOf(ctx, worker)
	if err != nil {
		return "", err
	}
	lift, err := process.Limit(pid, process.FileSize, 0)
	if err != nil {
		return "", err
	}
	wait(ctx, time.Now(), phase)
	return "by a limit on the size of the worker's files, inodes not at all: mounting is not permitted here", lift()
}

// standStill stops processes: both workers, Temporal, PostgreSQL, or the receiver
// and the registry, which are this process, so that their links stop instead.
func (w *world) standStill(ctx context.Context, f faultPlan) (string, error) {
	victims := [][]string{{worker, analysis}, {temporal}, {database}, {registry, receiver}}[f.form%4]
	defer w.hold(victims...)()
	for _, victim := range victims {
		if victim == registry || victim == receiver {
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
	}
	wait(ctx, time.Now(), w.use.pause)
	return fmt.Sprintf("%s for %s", strings.Join(victims, " and "), w.use.pause), nil
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
	for _, name := range []string{nextBuild, build} {
		if err := w.replace(ctx, name); err != nil {
			return err
		}
		wait(ctx, time.Now(), phase)
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

// exhaustMemory leaves a worker and its analyses no more memory than they have,
// until the kernel has killed one, and a while longer.
func (w *world) exhaustMemory(ctx context.Context, f faultPlan) (string, error) {
	victim := []string{analysis, worker}[f.form%2]
	group := w.memory[victim]
	if group == nil {
		return w.limitMemory(ctx, victim)
	}
	before, err := group.Kills()
	if err != nil {
		return victim, err
	}
	kills := before
	for began := time.Now(); kills == before && time.Since(began) < 2*faultSpan && ctx.Err() == nil; wait(ctx, time.Now(), 100*time.Millisecond) {
		if err := group.Exhaust(); err != nil {
			return victim, err
		}
		if kills, err = group.Kills(); err != nil {
			return victim, err
		}
	}
	wait(ctx, time.Now(), phase)
	if err := group.Release(); err != nil {
		return victim, err
	}
	kills, err = group.Kills()
	return fmt.Sprintf("of %s: %d processes killed", victim, kills-before), err
}

// limitMemory is for machines without control groups: the next allocation fails.
func (w *world) limitMemory(ctx context.Context, victim string) (string, error) {
	defer w.hold(victim)()
	pid, err := w.processOf(ctx, victim)
	if err != nil {
		return "", err
	}
	lift, err := process.Limit(pid, process.AddressSpace, 1)
	if err != nil {
		return "", err
	}
	wait(ctx, time.Now(), phase)
	return "of " + victim + " by a limit on its address space: control groups are not permitted here", lift()
}

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
