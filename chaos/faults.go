package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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

func (c *cutter) counted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

func (w *world) cutCommits(ctx context.Context, f faultPlan) (string, error) {
	w.cutter.set(rand.New(rand.NewPCG(f.seed, 0)))
	held := until(ctx, faultSpan, func() bool { return w.cutter.counted() > 0 })
	did := fmt.Sprintf("%d commits without an answer", w.cutter.set(nil))
	if !held {
		return did, notHeld(did)
	}
	return did, nil
}

func (w *world) slowDown(ctx context.Context, f faultPlan) (string, error) {
	sum := func(count func(*lab.Link) int) (all int) {
		for _, name := range linked {
			all += count(w.links[name])
		}
		return all
	}
	lost, late := -sum((*lab.Link).Lost), -sum((*lab.Link).Late)
	for n, name := range linked {
		w.links[name].Set(lab.Weather{Latency: slow, Loss: loss, Random: rand.New(rand.NewPCG(f.seed, uint64(n)))})
	}
	held := until(ctx, 2*faultSpan, func() bool { return lost+sum((*lab.Link).Lost) > 0 && late+sum((*lab.Link).Late) > 0 })
	for _, name := range linked {
		w.links[name].Set(lab.Weather{})
	}
	did := fmt.Sprintf("%d answers late, %d connections reset", late+sum((*lab.Link).Late), lost+sum((*lab.Link).Lost))
	if !held {
		return did, notHeld(did)
	}
	return did, nil
}

// staySilent waits until every mute receiver has something to be silent about.
func (w *world) staySilent(ctx context.Context) (string, error) {
	held := until(ctx, faultSpan, func() bool { return w.mute.connected() == mutes })
	did := fmt.Sprintf("%d of %d receivers accepted connections", w.mute.connected(), mutes)
	if !held {
		return did, notHeld(did)
	}
	return did, nil
}

// fillDisk leaves one directory no room, and then no inodes.
func (w *world) fillDisk(ctx context.Context, f faultPlan) (string, error) {
	if w.disks == nil {
		return w.limitFiles(ctx)
	}
	directory := w.directories()[f.form%uint64(len(w.disks))]
	d := w.disks[f.form%uint64(len(w.disks))]
	refused := [2]int{} // writes of ours, by what was missing
	for n, fill := range []func(*disk.Disk) error{(*disk.Disk).Fill, (*disk.Disk).FillInodes} {
		// What is removed meanwhile makes room, which is taken again.
		for began := time.Now(); time.Since(began) < phase && ctx.Err() == nil; wait(ctx, time.Now(), time.Second) {
			if err := fill(d); err != nil {
				return directory.name, errors.Join(err, d.Free())
			}
			if errors.Is(probe(directory.path), syscall.ENOSPC) {
				refused[n]++
			}
		}
		if err := d.Free(); err != nil {
			return directory.name, err
		}
	}
	did := fmt.Sprintf("%s: %d writes without room and %d without inodes refused", directory.name, refused[0], refused[1])
	if ctx.Err() == nil && (refused[0] == 0 || refused[1] == 0) {
		return did, notHeld(did)
	}
	return did, nil
}

// probe writes a file and removes it.
func probe(dir string) error {
	path := filepath.Join(dir, ".chaos")
	return errors.Join(os.WriteFile(path, make([]byte, 1<<16), 0o600), os.Remove(path))
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

// hungry are those whose memory is used up, one after the other.
var hungry = []string{analysis, worker}

// exhaustMemory leaves a worker and its analyses no more memory than they have,
// until the kernel has killed one, and a while longer. If none asks for more by
// itself, as while it has little to do, a program beside them takes what is left.
func (w *world) exhaustMemory(ctx context.Context, f faultPlan) (string, error) {
	victim := hungry[f.form%uint64(len(hungry))]
	group := w.memory[victim]
	if group == nil {
		return w.limitMemory(ctx, victim)
	}
	before, err := group.Kills()
	if err != nil {
		return victim, err
	}
	kills := before
	starve := func(span time.Duration) error {
		for began := time.Now(); kills == before && time.Since(began) < span && ctx.Err() == nil; wait(ctx, time.Now(), 100*time.Millisecond) {
			if err := group.Exhaust(); err != nil {
				return err
			}
			if kills, err = group.Kills(); err != nil {
				return err
			}
		}
		return nil
	}
	how := ""
	err = starve(faultSpan)
	for try := 0; err == nil && kills == before && try < tries && ctx.Err() == nil; try++ {
		how = " beside a program that wanted the rest"
		var release func()
		if release, err = group.Press(); err == nil {
			err = starve(phase)
			release()
		}
	}
	if err == nil && kills > before {
		wait(ctx, time.Now(), phase)
		kills, err = group.Kills()
	}
	if err = errors.Join(err, group.Release()); err != nil {
		return victim, err
	}
	did := fmt.Sprintf("of %s: %d processes killed%s", victim, kills-before, how)
	if kills == before && ctx.Err() == nil {
		return did, notHeld(did)
	}
	return did, nil
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
	held := until(ctx, phase, func() bool {
		now, err := w.processOf(ctx, victim)
		return err == nil && now != pid
	})
	did := "of " + victim + " by a limit on its address space: control groups are not permitted here"
	if err := lift(); err != nil || held {
		return did, err
	}
	return did, notHeld(did)
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
