package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/mocks"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// A thousand tags that wake one endpoint at the same time are a few signals, and
// each of them is followed by a signal that begins after it asked.
func TestManyWakeUpsAreFewSignals(t *testing.T) {
	t.Parallel()
	const tags = 1000
	var begun atomic.Int64
	connected := &mocks.Client{}
	connected.On("SignalWithStartWorkflow", mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything, mock.Anything).
		Return(nil, nil).Run(func(mock.Arguments) { begun.Add(1) })
	connected.On("DescribeWorkflowExecution", mock.Anything, mock.Anything, mock.Anything).
		Return(&workflowservice.DescribeWorkflowExecutionResponse{}, nil) // nobody canceled it
	w := newWatchers(client.Client{Temporal: connected})
	for what, wake := range map[string]func(context.Context) error{
		"endpoint": func(ctx context.Context) error { return w.WakeEndpoint(ctx, "ops", watcher.WakeDelivery) },
		"registry": func(ctx context.Context) error {
			return w.WakeRegistry(ctx, "registry.example.com", watcher.WakeSubscription)
		},
	} {
		before := begun.Load()
		var all sync.WaitGroup
		failures := make(chan error, tags)
		for range tags {
			all.Go(func() {
				asked := begun.Load()
				if err := wake(t.Context()); err != nil {
					failures <- err
				} else if begun.Load() == asked {
					failures <- fmt.Errorf("%s: not woken since the request", what)
				}
			})
		}
		all.Wait()
		close(failures)
		for err := range failures {
			t.Fatal(err)
		}
		if signals := begun.Load() - before; signals > tags/10 {
			t.Errorf("%s: %d signals for %d wake-ups", what, signals, tags)
		}
	}
}
