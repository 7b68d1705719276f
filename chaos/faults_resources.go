package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/lab/disk"
	"github.com/tagwatch/tagwatch/lab/process"
)

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
