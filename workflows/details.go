package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// setDetails sets the current details of a run. Temporal shows the summary and the details
// that a workflow was started with on its first run only: the current details begin with
// the summary, and those of a run that continues another end with what About says.
func setDetails(ctx workflow.Context, summary, details string) {
	details = "**" + plain.Markdown(summary) + "**\n\n" + details
	if info := workflow.GetInfo(ctx); info.ContinuedExecutionRunID != "" {
		details += "\n---\n\n" + About(info.WorkflowType.Name) + "\n"
	}
	workflow.SetCurrentDetails(ctx, details)
}
