package client

import (
	"context"
	"fmt"

	"go.temporal.io/api/workflowservice/v1"
)

// StuckQuery selects the workflows whose tasks keep failing: Temporal sets this search
// attribute.
const StuckQuery = `ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL`

// Stuck are workflows whose tasks fail.
type Stuck struct {
	Count   int64
	Example string // the id of one
}

// StuckWorkflows counts the workflows whose tasks fail.
func (c Client) StuckWorkflows(ctx context.Context) (stuck Stuck, err error) {
	counted, err := c.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: StuckQuery})
	if err != nil || counted.GetCount() == 0 {
		return stuck, wrapStuck(err)
	}
	page, err := c.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: StuckQuery, PageSize: 1})
	if err != nil {
		return stuck, wrapStuck(err)
	}
	stuck.Count = counted.GetCount()
	for _, execution := range page.GetExecutions() {
		stuck.Example = execution.GetExecution().GetWorkflowId()
	}
	return stuck, nil
}

func wrapStuck(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("count workflows whose tasks fail: %w", err)
}
