package session

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"github.com/tagwatch/tagwatch/starter/exit"
)

// Follow waits for a workflow that may take long, and prints its steps. goesOn is what an
// interrupted command prints.
func (s *Session) Follow(ctx context.Context, linked *Link, id, goesOn string, wait func(context.Context) error) error {
	watching, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { s.narrate(watching, linked.Client.Temporal, id) })
	s.Shown()
	err := wait(ctx)
	stop()
	following.Wait()
	if err != nil && ctx.Err() != nil {
		return Meanwhile(ctx, err, goesOn)
	}
	if exit.Is[*serviceerror.Unavailable](err) {
		return &exit.Unreachable{Address: linked.Address, Cause: err}
	}
	return exit.Answered(err)
}

func (s *Session) narrate(ctx context.Context, temporal client.Client, id string) {
	ticker := time.NewTicker(Glance)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if step := stepOfWorkflow(ctx, temporal, id); step != "" && step != said && ctx.Err() == nil {
			s.Say("%s", step)
			said = step
		}
	}
}

// stepOfWorkflow is the headline of the workflow with the detail of its current step; "" if
// neither can be read.
func stepOfWorkflow(ctx context.Context, temporal client.Client, id string) string {
	ctx, cancel := context.WithTimeout(ctx, QueryTimeout)
	defer cancel()
	described, err := temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return ""
	}
	if Idle(described) {
		return "waiting for a worker; make sure one is running (tagwatch up or tagwatch-worker)"
	}
	pending, detail := PendingDetail(described)
	if !pending {
		return "" // done, or about to begin
	}
	return Phrase(headlineOf(ctx, temporal, id), detail)
}

// workerDelay is the time within which an idle worker takes a task.
const workerDelay = 5 * time.Second

// Idle reports that no worker has taken the next task.
func Idle(described *workflowservice.DescribeWorkflowExecutionResponse) bool {
	if task := described.GetPendingWorkflowTask(); task.GetState() == enums.PENDING_WORKFLOW_TASK_STATE_SCHEDULED {
		return time.Since(task.GetScheduledTime().AsTime()) > workerDelay
	}
	for _, activity := range described.GetPendingActivities() {
		if activity.GetState() == enums.PENDING_ACTIVITY_STATE_SCHEDULED && activity.GetAttempt() <= 1 {
			return time.Since(activity.GetScheduledTime().AsTime()) > workerDelay
		}
	}
	return false
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

// PendingDetail is the last report of the running activity, or why its last attempt failed.
func PendingDetail(described *workflowservice.DescribeWorkflowExecutionResponse) (pending bool, detail string) {
	activities := described.GetPendingActivities()
	if len(activities) == 0 {
		return false, ""
	}
	if failure := activities[0].GetLastFailure(); failure != nil {
		return true, "retrying: " + failure.GetMessage()
	}
	if converter.GetDefaultDataConverter().FromPayloads(activities[0].GetHeartbeatDetails(), &detail) != nil {
		detail = ""
	}
	return true, detail
}

func Phrase(title, detail string) string {
	if title == "" || detail == "" {
		return title + detail
	}
	return title + ": " + detail
}

// Glance is the time between two checks of running work.
const Glance = 500 * time.Millisecond
