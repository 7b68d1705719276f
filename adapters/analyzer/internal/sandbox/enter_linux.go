package sandbox

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// graceCPU is the processor time to report an exceeded limit.
	graceCPU = 2 * time.Second
	// startCPU bounds the processor time before the request.
	startCPU = time.Minute
)

// Enter puts this process, a child, under its limits and off the network. When it
// exceeds that of processor time or file size, Enter calls report with the error and
// ends the process with the status that makes Run return ErrReported.
func Enter(limits Limits, report func(error)) error {
	exceeded := make(chan os.Signal, 1)
	signal.Notify(exceeded, syscall.SIGXCPU, syscall.SIGXFSZ)
	go func() {
		if <-exceeded == syscall.SIGXCPU {
			report(cpuError(limits))
		} else {
			report(fileError(limits))
		}
		os.Exit(ExitReported)
	}()
	for _, each := range []struct {
		resource   int
		soft, hard uint64
	}{
		// Normally the parent stops the child first; this is for very fast growth.
		{unix.RLIMIT_DATA, uint64(2 * limits.Memory), uint64(2 * limits.Memory)},
		{unix.RLIMIT_CPU, seconds(startCPU + limits.CPU), seconds(startCPU + limits.CPU + graceCPU)},
		{unix.RLIMIT_FSIZE, uint64(limits.FileBytes), uint64(limits.FileBytes)},
		{unix.RLIMIT_NOFILE, uint64(limits.OpenFiles), uint64(limits.OpenFiles)},
		{unix.RLIMIT_CORE, 0, 0},
	} {
		if err := limit(each.resource, each.soft, each.hard); err != nil {
			return fmt.Errorf("set limit %d of the child: %w", each.resource, err)
		}
	}
	preferAsVictim()
	return forbidSockets()
}

// Begin counts the processor time against its limit from now on, when the child has
// got its request.
func Begin(limits Limits) error {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return fmt.Errorf("limit the processor time of the child: %w", err)
	}
	start := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	if err := limit(unix.RLIMIT_CPU, seconds(start+limits.CPU), seconds(start+limits.CPU+graceCPU)); err != nil {
		return fmt.Errorf("limit the processor time of the child: %w", err)
	}
	return nil
}

// limit lowers a limit. A lower one stays: a process may not raise its own.
func limit(resource int, soft, hard uint64) error {
	var current unix.Rlimit
	if err := unix.Getrlimit(resource, &current); err != nil {
		return err
	}
	hard = min(hard, current.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: min(soft, hard), Max: hard})
}

// preferAsVictim makes the kernel kill the child, not the worker, when memory runs
// out. Not every machine allows it.
func preferAsVictim() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }

func seconds(d time.Duration) uint64 { return uint64((d + time.Second - 1) / time.Second) }
