package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// lasting are the workflows that live as long as what they are about.
const lasting = `ExecutionStatus = "Running" AND WorkflowType IN ("WatchTag", "WatchRegistry", "WatchRepository", "FollowSource", "ServeEndpoint")`

// cancelWorkflows cancels everything that watches and delivers, as somebody may
// by the Web UI, and has what should run started again.
func (w *world) cancelWorkflows(ctx context.Context) error {
	for {
		err := w.cancelAll(ctx)
		if err == nil {
			break
		}
		fmt.Fprintf(w.log, "chaos: cancel the workflows: %v\n", err)
		if ctx.Err() != nil {
			return err
		}
		wait(ctx, time.Now(), 300*time.Millisecond) // Temporal may be away just now
	}
	_, err := w.command(ctx, "reconcile")
	return err
}

func (w *world) cancelAll(ctx context.Context) error {
	temporal, err := w.dialTemporal(ctx)
	if err != nil {
		return err
	}
	defer temporal.Close()
	listed, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: lasting})
	if err != nil {
		return err
	}
	if len(listed.GetExecutions()) == 0 {
		return errors.New("none is listed")
	}
	for _, found := range listed.GetExecutions() {
		run := found.GetExecution()
		if err := temporal.CancelWorkflow(ctx, run.GetWorkflowId(), run.GetRunId()); err != nil && !errors.As(err, new(*serviceerror.NotFound)) {
			return err
		}
	}
	for _, found := range listed.GetExecutions() {
		if err := awaitEnd(ctx, temporal, found.GetExecution()); err != nil {
			return err
		}
	}
	return nil
}

// awaitEnd waits until a canceled workflow has ended. Until then it counts as one that
// runs, so nothing would start it again; after a kill that takes some seconds.
func awaitEnd(ctx context.Context, temporal client.Client, run *common.WorkflowExecution) error {
	for ctx.Err() == nil {
		described, err := temporal.DescribeWorkflowExecution(ctx, run.GetWorkflowId(), run.GetRunId())
		if errors.As(err, new(*serviceerror.NotFound)) || err == nil && described.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
			return nil
		}
		wait(ctx, time.Now(), 100*time.Millisecond) // Temporal may be away just now
	}
	return ctx.Err()
}

func (w *world) dialTemporal(ctx context.Context) (client.Client, error) {
	return client.DialContext(ctx, client.Options{HostPort: w.stack.Temporal(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
}
