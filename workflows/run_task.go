package workflows

import (
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// The ids of the tasks, which are also those of their schedules.
const (
	SyncFeedID         = "sync-feed"
	ApplyPolicyID      = "apply-policy"
	ApplyAcceptancesID = "apply-acceptances"
	ReconcileID        = "reconcile"
	RenewAnalysesID    = "renew-analyses"
	SummarizeID        = "summarize"
	PruneID            = "prune"
)

// Task is a workflow that works for the whole installation and runs regularly. At
// most one run of it exists at a time, under its id, whoever starts it.
type Task struct {
	ID, Type, Summary string
	// arguments are those of a scheduled run.
	arguments []any
}

// Tasks are all that have a schedule.
var Tasks = []Task{
	{SyncFeedID, TypeSyncFeed, "Vulnerability data: synchronization", []any{databuild.SyncRequest{}}},
	{ReconcileID, TypeReconcile, "Comparison of the store with what runs", []any{watcher.ReconcileRequest{}}},
	{RenewAnalysesID, TypeRenewAnalyses, RenewalSummary, []any{RenewalState{}}},
	{SummarizeID, TypeSummarize, "Summaries of what another scanner version changed", nil},
	{PruneID, TypePrune, "Removal of what is no longer needed", nil},
}

// RunTask is what a schedule starts: it runs the task with that id, as a child
// under this very id. The id of what a schedule starts has the time appended, so
// that it alone would not keep a scheduled run from running beside one that a
// person started. If a run of the task exists, RunTask leaves the work to it.
func RunTask(ctx workflow.Context, id string) error {
	task, err := taskOf(id)
	if err != nil {
		return err
	}
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: task.ID, StaticSummary: task.Summary,
		// Whoever joined the run goes on with it.
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	})
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Running %s\n", task.ID))
	err = workflow.ExecuteChildWorkflow(ctx, task.Type, task.arguments...).Get(ctx, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Another run of %s exists\n\nIt does the work of this one.\n", task.ID))
		return nil
	}
	return err
}

func taskOf(id string) (Task, error) {
	for _, task := range Tasks {
		if task.ID == id {
			return task, nil
		}
	}
	return Task{}, invalid("there is no task %q", id)
}
