package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// effort is what the fixed piece of work took.
type effort struct{ wall, cpu time.Duration }

// Of the fixed piece of work: each core hashes so much.
const (
	hashed     = 256 << 20
	believable = 1.2 // times as long as on a machine that has nothing else to do
	steady     = 1.2 // between before and after
)

// work does the fixed piece of work on all cores.
func work() effort {
	before, began := ownCPU(), time.Now()
	var group sync.WaitGroup
	for range runtime.NumCPU() {
		group.Go(func() {
			block, sum := make([]byte, 1<<20), sha256.New()
			for range hashed / len(block) {
				sum.Write(block)
			}
		})
	}
	group.Wait()
	return effort{time.Since(began), ownCPU() - before}
}

// ownCPU is the CPU time of this process so far.
func ownCPU() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // of oneself it does not fail
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// slowdown is how many times as long the work took as all cores need for it.
func (e effort) slowdown() float64 {
	return e.wall.Seconds() * float64(runtime.NumCPU()) / e.cpu.Seconds()
}

// judge says whether the machine had time to measure on.
func judge(out io.Writer, before, after effort) {
	worst := max(before.slowdown(), after.slowdown())
	change := math.Max(after.cpu.Seconds()/before.cpu.Seconds(), before.cpu.Seconds()/after.cpu.Seconds())
	fmt.Fprintf(out, "\nA fixed piece of work took %.2f times its CPU time before and %.2f times after; 1 is a machine with nothing else to do.\n",
		before.slowdown(), after.slowdown())
	if worst > believable {
		fmt.Fprintf(out, "The machine is too busy: do not believe figures of time, which may be %.1f times too high. Those of CPU time are less wrong.\n", worst)
	}
	if change > steady {
		fmt.Fprintf(out, "The speed of the processors changed by %.0f %% meanwhile: do not compare figures of CPU time.\n", 100*(change-1))
	}
}
