package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Applied is the outcome of one run of ApplyPolicy.
type Applied struct {
	// Changed is false when the bundle with this content was active already.
	Changed bool
	// Evaluated tags are up to date with the bundle, or left to their watchers.
	Evaluated int
}

// ApplyPolicy makes a stored bundle the active one and has it evaluated for the tags
// that it concerns.
func ApplyPolicy(ctx workflow.Context, bundle string) (Applied, error) {
	return watched(ctx, ApplyPolicyID, func(ctx workflow.Context) (Applied, error) { return applyPolicy(ctx, bundle) })
}

func applyPolicy(ctx workflow.Context, bundle string) (Applied, error) {
	workflow.SetCurrentDetails(ctx, "### Activating bundle "+plain.Code(bundle)+"\n")
	changed, err := call(ctx, storing, "activate "+plain.Markdown(bundle), Activities.ActivatePolicy, bundle)
	if err != nil {
		return Applied{}, err
	}
	done, err := call(ctx, bulk, "evaluate the tags that the bundle concerns", Activities.Reevaluate, watch.ReevaluateRequest{})
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Bundle %s is active\n\n%d tags evaluated, %d have the same outcome without, %d left to their watchers.\n",
		plain.Code(bundle), done.Evaluated, done.Kept, done.Outdated))
	return Applied{Changed: changed, Evaluated: done.Evaluated + done.Kept + done.Outdated}, err
}
