package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

// follow waits for a workflow that may take long, and says what it does
// meanwhile.
func (s *session) follow(ctx context.Context, linked *link, id string, wait func(context.Context) error) error {
	watching, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { s.narrate(watching, linked.client.Temporal, id) })
	err := wait(ctx)
	stop()
	following.Wait()
	var gone *serviceerror.Unavailable
	if errors.As(err, &gone) {
		return &unreachable{linked.address, err}
	}
	return answered(err)
}

// narrate prints each step of the workflow that it sees, once.
func (s *session) narrate(ctx context.Context, temporal client.Client, id string) {
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if step := stepOfWorkflow(ctx, temporal, id); step != "" && step != said && ctx.Err() == nil {
			s.say("%s", step)
			said = step
		}
	}
}

// stepOfWorkflow is what the workflow says of itself, with what the step under
// way reports; "" if neither can be read.
func stepOfWorkflow(ctx context.Context, temporal client.Client, id string) string {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	described, err := temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return ""
	}
	pending, detail := pendingDetail(described)
	if !pending {
		return "" // waiting for a worker, or done
	}
	return phrase(headlineOf(ctx, temporal, id), detail)
}

// headlineOf is the title of the workflow's current details.
func headlineOf(ctx context.Context, temporal client.Client, id string) string {
	answer, err := temporal.QueryWorkflow(ctx, id, "", "__temporal_workflow_metadata")
	if err != nil {
		return ""
	}
	var metadata sdk.WorkflowMetadata
	if answer.Get(&metadata) != nil {
		return ""
	}
	title, _, _ := strings.Cut(metadata.GetCurrentDetails(), "\n")
	return strings.ReplaceAll(strings.TrimLeft(title, "# "), "`", "")
}

// pendingDetail is what the activity under way last reported, or why its last
// attempt failed.
func pendingDetail(described *workflowservice.DescribeWorkflowExecutionResponse) (pending bool, detail string) {
	for _, activity := range described.GetPendingActivities() {
		var report string
		if converter.GetDefaultDataConverter().FromPayloads(activity.GetHeartbeatDetails(), &report) != nil {
			report = ""
		}
		if failure := activity.GetLastFailure(); failure != nil {
			return true, "trying again: " + failure.GetMessage()
		}
		return true, report
	}
	return false, ""
}

func phrase(title, detail string) string {
	if title == "" || detail == "" {
		return title + detail
	}
	return title + ": " + detail
}
