package up

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/starter/exit"
)

const (
	// fewestTries is how often a program may exit before it was ever ready.
	fewestTries = 5
	// shortestPause is the pause before a program is started again; it doubles
	// with each death up to longestPause.
	shortestPause = 200 * time.Millisecond
	longestPause  = 30 * time.Second
	// longLife is how long a program must run to reset the count of its exits.
	longLife = time.Minute
)

// program is what a keeper runs.
type program struct {
	name string
	// command makes the process, to be killed if it does not stop within grace.
	command func() *exec.Cmd
	grace   time.Duration
	// watch reports when a process that was started has become ready; it returns
	// when ctx ends at the latest.
	watch func(ctx context.Context, ready func())
	// advice continues the error if the program cannot be started.
	advice func() string
	say    func(format string, arguments ...any)
}

// keeper runs a program, again whenever it dies.
type keeper struct {
	program
	ready  chan struct{} // closed when it is ready for the first time
	failed chan error    // receives why it was given up, if it was
	ended  chan struct{}
	cancel context.CancelFunc

	wasReady atomic.Bool
}

// keep starts running the program until stop is called or ctx ends.
func keep(ctx context.Context, p program) *keeper {
	ctx, cancel := context.WithCancel(ctx)
	k := &keeper{program: p, ready: make(chan struct{}), failed: make(chan error, 1), ended: make(chan struct{}), cancel: cancel}
	go k.run(ctx)
	return k
}

// stop ends the program and waits until it has.
func (k *keeper) stop() {
	k.cancel()
	<-k.ended
}

// awaitReady waits until the program is ready for the first time.
func (k *keeper) awaitReady(ctx context.Context) error {
	select {
	case <-k.ready:
		return nil
	case err := <-k.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (k *keeper) run(ctx context.Context) {
	// The kernel kills the children of a thread, not of a process, when it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(k.ended)
	for deaths := 1; ; deaths++ {
		began := time.Now()
		cause := k.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > longLife {
			deaths = 1
		}
		if deaths >= fewestTries && !k.wasReady.Load() {
			k.failed <- exit.Unable(fmt.Errorf("%s does not start: %w%s", k.name, cause, k.advice()))
			return
		}
		pause := min(shortestPause<<min(deaths-1, 10), longestPause)
		k.say("%s exited (%s); restarting in %s", k.name, cause, pause)
		if !rest(ctx, pause) {
			return
		}
	}
}

// once runs one process to its end.
func (k *keeper) once(ctx context.Context) error {
	command := k.command()
	command.SysProcAttr, command.WaitDelay = childAttributes(), time.Second
	if err := command.Start(); err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go k.watch(watching, k.becameReady)
	ended := make(chan struct{})
	defer close(ended)
	go terminate(ctx, command, k.grace, ended)
	if err := command.Wait(); err != nil {
		return err
	}
	return fmt.Errorf("exit code 0")
}

func (k *keeper) becameReady() {
	if k.wasReady.CompareAndSwap(false, true) {
		close(k.ready)
	}
}

// terminate stops the process when ctx ends, and kills it if it takes too long.
func terminate(ctx context.Context, command *exec.Cmd, grace time.Duration, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	_ = command.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(grace):
		_ = command.Process.Kill()
	}
}

// rest waits and reports whether ctx is still alive.
func rest(ctx context.Context, pause time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}
