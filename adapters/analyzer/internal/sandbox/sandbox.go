// Package sandbox runs this program again, as a confined child: without network and
// environment, with bounded memory, processor time, files and duration. Whatever the
// child does, it ends within its limits, and the error names the exceeded one.
package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"io"
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
	CPU       time.Duration // processor time, of all threads together, from the request on
	Wall      time.Duration // from the request to the end
	FileBytes int64         // of each file it writes
	Scratch   int64         // bytes of all files in its folder together
	OpenFiles int
}

// Usage is what a child took.
type Usage struct {
	CPU        time.Duration // with what it took to start
	PeakMemory int64         // bytes, of those that count against Limits.Memory
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
}

// Child is a child that has started, and waits on its standard input for its one
// request. Somebody has to call Run or Stop.
type Child struct {
	command Command
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stdout  lines
	stderr  head
	ended   chan struct{} // closed when it has ended
	err     error         // of its end
}

// Start starts a child. It ends with this process.
func (c *Sandbox) Start(command Command) (*Child, error) {
	child := &Child{command: command, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel kills the child when the thread that started it ends.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.start(child)
		started <- err
		if err != nil {
			return
		}
		child.err = child.cmd.Wait()
		_ = syscall.Kill(-child.cmd.Process.Pid, syscall.SIGKILL) // processes that it may have left behind
		close(child.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start child: %w", err)
	}
	return child, nil
}

// start starts the child in namespaces of its own where the machine allows them.
func (c *Sandbox) start(child *Child) error {
	isolated := !c.refused.Load()
	err := child.start(isolated)
	if isolated && isolationRefused(err) {
		if !c.refused.Swap(true) {
			cmp.Or(c.Log, slog.Default()).Warn("network namespaces are not allowed here; only the filter of system calls keeps analysis off the network", "error", err)
		}
		err = child.start(false)
	}
	return err
}

func (c *Child) start(isolated bool) (err error) {
	c.cmd = exec.Command(self(), c.command.Args...)
	c.cmd.Dir = c.command.Folder
	c.cmd.Env = environment(c.command)
	c.cmd.Stdout = &c.stdout
	c.cmd.Stderr = &c.stderr
	c.cmd.SysProcAttr = attributes(isolated)
	c.cmd.WaitDelay = 5 * time.Second
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	return c.cmd.Start()
}

// Run gives the child its request and waits for its end. Limits.Wall counts from now.
// It calls line with each line that the child writes to its standard output. An
// exceeded limit is an errkind.Limit that names it. When ctx ends, the child is killed
// with everything it started.
func (c *Child) Run(ctx context.Context, request []byte, line func([]byte)) (Usage, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	limits := c.command.Limits
	wall := time.AfterFunc(limits.Wall, func() { stop(limitError("time limit of %s", limits.Wall)) })
	defer wall.Stop()
	defer context.AfterFunc(ctx, c.kill)()
	c.stdout.follow(line)
	var beside sync.WaitGroup
	var peak int64
	beside.Go(func() { peak = watch(c.ended, c.cmd.Process.Pid, c.command, stop) })
	beside.Go(func() {
		_, _ = c.stdin.Write(request) // a child that does not read it has ended, which says why
		_ = c.stdin.Close()
	})
	<-c.ended
	beside.Wait()
	state := c.cmd.ProcessState
	usage := Usage{CPU: state.UserTime() + state.SystemTime(), PeakMemory: peak}
	return usage, verdict(ctx, limits, state, c.stderr.String(), c.err)
}

// Stop ends a child, with everything it started, before it returns.
func (c *Child) Stop() {
	c.kill()
	<-c.ended
}

// Lives reports whether the child has not ended yet.
func (c *Child) Lives() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

func (c *Child) kill() {
	if c.Lives() {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) // it may just have ended
	}
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
