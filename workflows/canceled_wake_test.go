package workflows_test

import (
	"context"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// TestCanceledWatcherStartsAgain: on a real server, a watcher whose cancellation is pending
// does not pass for one that runs, and who subscribes in that moment gets a new one.
func TestCanceledWatcherStartsAgain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	temporal, err := sdk.Dial(sdk.Options{HostPort: serverOf(t), Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(temporal.Close)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	reached, id := client.Client{Temporal: temporal}, workflows.WatchTagID(target)
	runs := func() bool {
		t.Helper()
		runs, err := reached.Runs(context.Background(), watcher.Tag, target.String())
		check(err)
		return runs
	}
	check(reached.WakeTag(context.Background(), target, watcher.WakeSubscription))
	if !runs() {
		t.Error("the watcher that was started does not run")
	}
	described, err := temporal.DescribeWorkflowExecution(context.Background(), id, "")
	check(err)
	canceled := described.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	check(temporal.CancelWorkflow(context.Background(), id, "")) // no worker takes its task so far
	if runs() {
		t.Error("a watcher that is about to end passes for one that runs")
	}
	woken := make(chan error, 1)
	go func() { woken <- reached.WakeTag(context.Background(), target, watcher.WakeSubscription) }()
	w := worker.New(temporal, workflows.QueueTags, worker.Options{})
	w.RegisterWorkflowWithOptions(workflows.WatchTag, workflow.RegisterOptions{Name: workflows.TypeWatchTag})
	w.RegisterActivity(&fake{now: time.Now, observe: func(int) (watch.Observation, error) { return steady(first), nil }})
	check(w.Start())
	t.Cleanup(w.Stop)
	check(<-woken)
	described, err = temporal.DescribeWorkflowExecution(context.Background(), id, "")
	check(err)
	if now := described.GetWorkflowExecutionInfo(); now.GetExecution().GetRunId() == canceled || now.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Errorf("run %s is %s, want another than %s, which was canceled, to run", now.GetExecution().GetRunId(), now.GetStatus(), canceled)
	}
}
