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

// Waiting is how many steps of watchers wait for a worker, about.
func (c Client) Waiting(ctx context.Context) (int, error) {
	described, err := c.Temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: Namespace(), TaskQueue: &taskqueue.TaskQueue{Name: workflows.QueueTags}, TaskQueueType: enums.TASK_QUEUE_TYPE_WORKFLOW, ReportStats: true})
	if err != nil {
		return 0, fmt.Errorf("count what waits in task queue %s: %w", workflows.QueueTags, err)
	}
	return int(described.GetStats().GetApproximateBacklogCount()), nil
}

const (
	// mayWait is how many steps of watchers may wait before whoever wakes more of
	// them waits, too.
	mayWait = 200
	// countAgain is the time between two counts of those that wait.
	countAgain = 250 * time.Millisecond
)

// Room returns when few enough steps of watchers wait for a worker.
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
