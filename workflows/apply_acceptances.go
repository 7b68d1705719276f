package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// ApplyAcceptances has the tags evaluated that stored acceptances concern, and returns how
// many were. The command line starts it; one that runs is waited for, and then the next
// begins. Its step is repeated until it succeeds.
func ApplyAcceptances(ctx workflow.Context) (int, error) {
	return watched(ctx, ApplyAcceptancesID, applyAcceptances)
}

func applyAcceptances(ctx workflow.Context) (int, error) {
	workflow.SetCurrentDetails(ctx, "### Applying acceptances\n")
	done, err := call(ctx, bulk, "evaluate the tags that acceptances concern", Activities.Reevaluate, watch.ReevaluateRequest{})
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Acceptances applied\n\n%d tags evaluated, %d left to their WatchTag workflows.\n", done.Evaluated, done.Outdated))
	return done.Evaluated + done.Outdated, err
}
