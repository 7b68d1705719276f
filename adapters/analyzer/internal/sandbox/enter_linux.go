package sandbox

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// graceCPU is what a child has to report that it used up its processor time.
const graceCPU = 2 * time.Second

// Enter puts this process, a child, under its limits and off the network. When it exceeds that of
// processor time or file size, report is called with the error, and the process
// ends with the status that makes Run return ErrReported.
func Enter(limits Limits, report func(error)) error {
	exceeded := make(chan os.Signal, 1)
	signal.Notify(exceeded, syscall.SIGXCPU, syscall.SIGXFSZ)
	go func() {
		if <-exceeded == syscall.SIGXCPU {
			report(cpuError(limits))
		} else {
			report(limitError("limit of %s a file", bytesText(limits.FileBytes)))
		}
		os.Exit(ExitReported)
	}()
	for _, each := range []struct {
		resource   int
		soft, hard uint64
	}{
		// The watching parent comes first; this stops what is too fast for it.
		{unix.RLIMIT_DATA, uint64(2 * limits.Memory), uint64(2 * limits.Memory)},
		{unix.RLIMIT_CPU, seconds(limits.CPU), seconds(limits.CPU + graceCPU)},
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

// limit lowers a limit. One that is there already and lower stays: no process may
// raise its own.
func limit(resource int, soft, hard uint64) error {
	var there unix.Rlimit
	if err := unix.Getrlimit(resource, &there); err != nil {
		return err
	}
	hard = min(hard, there.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: min(soft, hard), Max: hard})
}

// preferAsVictim lets the kernel end the child, not the worker, when memory runs
// out. It is a wish: not every machine allows it.
func preferAsVictim() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }

func seconds(d time.Duration) uint64 { return uint64((d + time.Second - 1) / time.Second) }
