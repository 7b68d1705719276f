package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// setDetails sets the current details of a run that follows others: Temporal shows
// the summary that a workflow was started with on its first run only, so each
// run's details begin with it.
func setDetails(ctx workflow.Context, summary, details string) {
	workflow.SetCurrentDetails(ctx, "**"+plain.Markdown(summary)+"**\n\n"+details)
}
