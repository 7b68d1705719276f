package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	sdk "go.temporal.io/sdk/client"
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// TestWatchTagBegunRests: on a real server, a watcher that has nothing to do is no work
// for a worker until it is asked, woken or due.
func TestWatchTagBegunRests(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	temporal, err := sdk.Dial(sdk.Options{HostPort: serverOf(t), Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(temporal.Close)
	world := &fake{now: time.Now, observe: func(int) (watch.Observation, error) { return steady(first), nil }}
	w := worker.New(temporal, workflows.QueueTags, worker.Options{})
	w.RegisterWorkflowWithOptions(workflows.WatchTag, workflow.RegisterOptions{Name: workflows.TypeWatchTag})
	w.RegisterActivity(world)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	reached := client.Client{Temporal: temporal}
	checks := func() int {
		world.mu.Lock()
		defer world.mu.Unlock()
		return len(world.passes)
	}
	begin := func(tag string, rest time.Duration) (image.Target, func() (events, resyncs int)) {
		t.Helper()
		begun := target
		begun.Reference.Tag = tag
		first := watch.FirstRecord{Types: notification.TagTypes, Poll: time.Minute, Rest: rest,
			Recorded: watch.Recorded{Summary: watch.Summary{Target: begun, Resolved: image.Resolved{Manifest: first}, Analyzed: first, Matched: true, Status: "pass"}}}
		if err := reached.StartTag(context.Background(), begun, first); err != nil {
			t.Fatal(err)
		}
		before := checks()
		return begun, func() (int, int) {
			return len(eventsOf(t, temporal, workflows.WatchTagID(begun), "")), checks() - before
		}
	}

	asked, counts := begin("asked", time.Hour)
	if events, _ := counts(); events != 1 {
		t.Errorf("%d events, want the start alone", events)
	}
	state, err := reached.TagStatus(context.Background(), asked)
	if err != nil || state.Summary.Status != "pass" || time.Until(state.NextResync).Round(time.Hour) != time.Hour {
		t.Errorf("status %+v, %v", state, err)
	}
	if _, resyncs := counts(); resyncs != 0 {
		t.Errorf("%d resyncs because of a question", resyncs)
	}

	woken, counts := begin("woken", time.Hour)
	if err := reached.WakeTag(context.Background(), woken, watcher.WakePoll); err != nil {
		t.Fatal(err)
	}
	until(t, "resync of the woken tag", func() bool { _, resyncs := counts(); return resyncs == 1 })

	canceled, _ := begin("canceled", time.Hour)
	run := temporal.GetWorkflow(context.Background(), workflows.WatchTagID(canceled), "")
	if err := temporal.CancelWorkflow(context.Background(), run.GetID(), ""); err != nil {
		t.Fatal(err)
	}
	if err := run.Get(context.Background(), nil); !errors.As(err, new(*sdktemporal.CanceledError)) {
		t.Errorf("canceled: %v", err)
	}

	_, counts = begin("due", time.Second)
	until(t, "resync of the due tag", func() bool { _, resyncs := counts(); return resyncs == 1 })
}
