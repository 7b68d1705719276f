package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// AcceptancesApplied is the outcome of one run of ApplyAcceptances.
type AcceptancesApplied struct {
	// Evaluated tags are up to date with the acceptances; StatusChanged of them changed
	// between pass and fail. Left ones need more than an evaluation, which is left to their
	// WatchTag.
	Evaluated, StatusChanged, Left int
}

// ApplyAcceptances has the tags evaluated that stored acceptances concern. The command line starts it; one that runs is waited for, and then the next
// begins. Its step is repeated until it succeeds.
func ApplyAcceptances(ctx workflow.Context) (AcceptancesApplied, error) {
	return watched(ctx, ApplyAcceptancesID, applyAcceptances)
}

func applyAcceptances(ctx workflow.Context) (AcceptancesApplied, error) {
	workflow.SetCurrentDetails(ctx, "### Applying acceptances\n")
	done, err := call(ctx, bulk, "evaluate the tags that acceptances concern", Activities.Reevaluate, watch.ReevaluateRequest{})
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Acceptances applied\n\n%d tags evaluated, %d of them changed between pass and fail, %d left to their WatchTag workflows.\n",
		done.Evaluated, done.StatusChanged, done.Outdated))
	return AcceptancesApplied{done.Evaluated, done.StatusChanged, done.Outdated}, err
}
