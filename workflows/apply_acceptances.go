package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// ApplyAcceptances has the tags evaluated that stored acceptances concern, and returns how
// many were.
func ApplyAcceptances(ctx workflow.Context) (int, error) {
	return watched(ctx, ApplyAcceptancesID, applyAcceptances)
}

func applyAcceptances(ctx workflow.Context) (int, error) {
	workflow.SetCurrentDetails(ctx, "### Applying acceptances\n")
	done, err := call(ctx, bulk, "evaluate the tags that acceptances concern", Activities.Reevaluate, watch.ReevaluateRequest{})
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Acceptances applied\n\n%d tags evaluated, %d left to their watchers.\n", done.Evaluated, done.Outdated))
	return done.Evaluated + done.Outdated, err
}
