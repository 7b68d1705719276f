package client

import (
	"context"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/converter"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/workflows"
)

// AnalysisDetail is what the analysis of an image is at, or what it waits for; "" if
// neither can be read.
func (c Client) AnalysisDetail(ctx context.Context, digest image.Digest) string {
	described, err := c.Temporal.DescribeWorkflowExecution(ctx, workflows.AnalyzeImageID(digest), "")
	if err != nil {
		return ""
	}
	if idle(described) {
		return "waiting for a free worker"
	}
	_, detail := pendingDetail(described)
	return detail
}

// workerDelay is the time within which an idle worker takes a task.
const workerDelay = 5 * time.Second

// idle reports that no worker has taken the next task.
func idle(described *workflowservice.DescribeWorkflowExecutionResponse) bool {
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

// pendingDetail is the last report of the running activity, or why its last attempt failed.
func pendingDetail(described *workflowservice.DescribeWorkflowExecutionResponse) (pending bool, detail string) {
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

// Phrase joins what is being done with its detail, either of which may be missing.
func Phrase(title, detail string) string {
	if title == "" || detail == "" {
		return title + detail
	}
	return title + ": " + detail
}
