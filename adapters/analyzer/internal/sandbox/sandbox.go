// Package sandbox runs this program again, as a confined child: without network and
// environment, with bounded memory, processor time, files and duration. Whatever the
// child does, it ends within its limits, and the error names the exceeded one.
package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Limits bound one child. All must be set.
type Limits struct {
	Memory    int64         // bytes in main memory that are not backed by files
	CPU       time.Duration // processor time, of all threads together
	Wall      time.Duration // from start to end
	FileBytes int64         // of each file it writes
	Scratch   int64         // bytes of all files in its folder together
	OpenFiles int
}

// Usage is what a child took.
type Usage struct {
	CPU        time.Duration
	PeakMemory int64 // bytes, of those that count against Limits.Memory
}

// Sandbox starts children. The zero value is ready; it is safe for concurrent use.
type Sandbox struct {
	Log *slog.Logger // nil for the default one

	refused atomic.Bool // this machine does not allow namespaces
}

// Command is one child.
type Command struct {
	Args   []string // after the program's name
	Folder string   // its working and temporary folder, counted against Limits.Scratch
	Limits Limits
	// Line receives each line that the child writes to its standard output.
	Line func([]byte)
}

// Run runs a child to its end. An exceeded limit is an errkind.Limit that names it.
// When ctx ends, the child is killed with everything it started.
func (c *Sandbox) Run(ctx context.Context, command Command) (usage Usage, err error) {
	var done sync.WaitGroup
	done.Go(func() {
		// The kernel kills the child when the thread that started it ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		usage, err = c.run(ctx, command)
	})
	done.Wait()
	return usage, err
}

func (c *Sandbox) run(ctx context.Context, command Command) (Usage, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	wall := time.AfterFunc(command.Limits.Wall, func() { stop(limitError("time limit of %s", command.Limits.Wall)) })
	defer wall.Stop()
	cmd, stderr, err := c.start(ctx, command)
	if err != nil {
		return Usage{}, err
	}
	watched := make(chan struct{})
	var watchers sync.WaitGroup
	var peak int64
	watchers.Go(func() { peak = watch(watched, cmd.Process.Pid, command, stop) })
	err = cmd.Wait()
	close(watched)
	watchers.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // processes that it may have left behind
	usage := Usage{CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), PeakMemory: peak}
	return usage, verdict(ctx, command.Limits, cmd.ProcessState, stderr.String(), err)
}

// start starts the child in namespaces of its own where the machine allows them.
func (c *Sandbox) start(ctx context.Context, command Command) (*exec.Cmd, *head, error) {
	isolated := !c.refused.Load()
	cmd, stderr := build(ctx, command, isolated)
	err := cmd.Start()
	if isolated && isolationRefused(err) {
		if !c.refused.Swap(true) {
			cmp.Or(c.Log, slog.Default()).WarnContext(ctx, "network namespaces are not allowed here; only the filter of system calls keeps analysis off the network", "error", err)
		}
		cmd, stderr = build(ctx, command, false)
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("start child: %w", err)
	}
	return cmd, stderr, nil
}

func build(ctx context.Context, command Command, isolated bool) (*exec.Cmd, *head) {
	stderr := &head{}
	cmd := exec.CommandContext(ctx, self(), command.Args...)
	cmd.Dir = command.Folder
	cmd.Env = environment(command)
	cmd.Stdout = &lines{each: command.Line}
	cmd.Stderr = stderr
	cmd.SysProcAttr = attributes(isolated)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd, stderr
}

// environment has nothing of the worker's. The garbage collector starts at half the
// memory, to leave room for bursts up to the limit; below that it would only cost
// time, since a child lives for seconds.
func environment(command Command) []string {
	return []string{
		"TMPDIR=" + command.Folder,
		"HOME=" + command.Folder,
		"GOGC=off",
		"GOMEMLIMIT=" + strconv.FormatInt(command.Limits.Memory/2, 10),
		"GOTRACEBACK=single",
	}
}
