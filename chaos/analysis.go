package main

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/tagwatch/tagwatch/lab/stack"
)

// analysisWorker is a worker that only analyzes, beside those of the stack.
type analysisWorker struct {
	stack       *stack.Stack
	environment []string
	log         io.Writer

	cancel context.CancelFunc
	ended  chan struct{}
}

func newAnalysisWorker(beside *stack.Stack, environment []string, log io.Writer) *analysisWorker {
	return &analysisWorker{stack: beside, environment: environment, log: log}
}

// start runs it, again whenever it ends, until stop is called: Temporal or the
// database may be away just now.
func (w *analysisWorker) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan struct{})
	go func() {
		defer close(w.ended)
		for ctx.Err() == nil {
			command := w.stack.Command(ctx, "tagwatch-worker")
			command.Env = append(command.Env, w.environment...)
			command.Stdout, command.Stderr = w.log, w.log
			command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
			command.WaitDelay = time.Minute
			err := command.Run()
			fmt.Fprintf(w.log, "chaos: the worker that analyzes ended: %v\n", err)
			wait(ctx, time.Now(), 300*time.Millisecond)
		}
	}()
}

// stop ends it as an operator does.
func (w *analysisWorker) stop() {
	if w.cancel == nil {
		return
	}
	w.cancel()
	<-w.ended
	w.cancel = nil
}
