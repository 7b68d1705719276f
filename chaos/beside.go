package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// besideWorker is a worker beside that of the stack.
type besideWorker struct {
	make func(context.Context) *exec.Cmd
	log  io.Writer

	cancel context.CancelFunc
	ended  chan struct{}

	mu  sync.Mutex
	pid int // 0 while it does not run
}

// start runs it, again whenever it ends, until stop is called: Temporal or the
// database may be away just now.
func (w *besideWorker) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan struct{})
	go func() {
		defer close(w.ended)
		for ctx.Err() == nil {
			err := w.once(ctx)
			fmt.Fprintf(w.log, "chaos: a worker ended: %v\n", err)
			wait(ctx, time.Now(), 300*time.Millisecond)
		}
	}()
}

func (w *besideWorker) once(ctx context.Context) error {
	command := w.make(ctx)
	command.Stdout, command.Stderr = w.log, w.log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = time.Minute
	if err := command.Start(); err != nil {
		return err
	}
	w.runs(command.Process.Pid)
	defer w.runs(0)
	return command.Wait()
}

func (w *besideWorker) runs(pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pid = pid
}

// process is its number, an error while it does not run.
func (w *besideWorker) process() (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pid == 0 {
		return 0, errors.New("the worker does not run just now")
	}
	return w.pid, nil
}

// stop ends it as an operator does.
func (w *besideWorker) stop() {
	if w == nil || w.cancel == nil {
		return
	}
	w.cancel()
	<-w.ended
	w.cancel = nil
}
