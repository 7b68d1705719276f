package workflows

import (
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// The ids of the tasks. Those in Tasks have a schedule with the same id.
const (
	SyncFeedID         = "sync-feed"
	ApplyPolicyID      = "apply-policy"
	ApplyAcceptancesID = "apply-acceptances"
	ReconcileID        = "reconcile"
	RenewAnalysesID    = "renew-analyses"
	SummarizeID        = "summarize"
	PruneID            = "prune"

	ApplyConfigurationID = declaration.Folder
)

// Task is a workflow that works for the whole installation and has a schedule. At most one
// run of it exists at a time under its id. Comparisons that people ask for have ids of their
// own, and run beside it.
type Task struct {
	ID, Type, Summary string
	// arguments are those of a scheduled run.
	arguments []any
}

// Tasks are all that have a schedule.
var Tasks = []Task{
	{SyncFeedID, TypeSyncFeed, "Vulnerability data: synchronization", []any{databuild.SyncRequest{}}},
	{ReconcileID, TypeReconcile, "Comparison of the running workflows with the database", []any{watcher.ReconcileRequest{}}},
	{RenewAnalysesID, TypeRenewAnalyses, RenewalSummary, []any{RenewalState{}}},
	{SummarizeID, TypeSummarize, "Summaries of what a new analyzer or matcher changed", nil},
	{PruneID, TypePrune, "Deletion of old images and notifications", nil},
}

// RunTask is what a schedule starts: it runs the task with that id, as a child workflow
// with this id. Temporal appends the time to the id of what a schedule starts; the child's
// id keeps a scheduled run from running beside one that a person started. If a run of the
// task exists, RunTask ends at once and leaves the work to it. Otherwise it ends with the
// child, and fails if the child fails. If RunTask is terminated, the child goes on.
func RunTask(ctx workflow.Context, id string) error {
	task, err := taskOf(id)
	if err != nil {
		return err
	}
	// A context of its own: current details that are set on it are lost.
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: task.ID, StaticSummary: task.Summary, StaticDetails: About(task.Type),
		// Whoever joined the run goes on with it.
		ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	})
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Runs %s\n\nThe child workflow shows the progress and the result.\n", task.ID))
	err = workflow.ExecuteChildWorkflow(child, task.Type, task.arguments...).Get(child, nil)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Nothing to do\n\nA run of %s exists already.\n", task.ID))
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
