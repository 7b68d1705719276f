package client

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/tagwatch/tagwatch/workflows"
)

// Waiting is about how many workflow tasks of watchers wait for a worker.
func (c Client) Waiting(ctx context.Context) (int, error) {
	described, err := c.Temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: Namespace(), TaskQueue: &taskqueue.TaskQueue{Name: workflows.QueueTags}, TaskQueueType: enums.TASK_QUEUE_TYPE_WORKFLOW, ReportStats: true})
	if err != nil {
		return 0, fmt.Errorf("count the tasks in queue %s: %w", workflows.QueueTags, err)
	}
	return int(described.GetStats().GetApproximateBacklogCount()), nil
}

const (
	// mayWait is how many tasks may wait before a step that wakes more watchers pauses.
	mayWait = 200
	// countAgain is the time between two counts.
	countAgain = 250 * time.Millisecond
)

// Room returns when few enough tasks of watchers wait for a worker.
func (c Client) Room(ctx context.Context) error {
	for {
		waiting, err := c.Waiting(ctx)
		if err != nil || waiting <= mayWait {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(countAgain):
		}
	}
}

// Attended reports whether a worker asks for the tasks of watchers.
func (c Client) Attended(ctx context.Context) (bool, error) {
	described, err := c.Temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: Namespace(), TaskQueue: &taskqueue.TaskQueue{Name: workflows.QueueTags}, TaskQueueType: enums.TASK_QUEUE_TYPE_WORKFLOW})
	if err != nil {
		return false, fmt.Errorf("read who waits at queue %s: %w", workflows.QueueTags, err)
	}
	return len(described.GetPollers()) > 0, nil
}
