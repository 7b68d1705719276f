package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Applied is the outcome of one run of ApplyPolicy.
type Applied struct {
	// Changed is false when the bundle with this content was active already.
	Changed bool
	// Evaluated tags are up to date with the bundle, or left to their WatchTag.
	Evaluated int
}

// ApplyPolicy makes a stored bundle the active one and has it evaluated for the tags
// that it concerns. The command line starts it; one that runs is waited for, and then the
// next begins. Each step is repeated until it succeeds or is refused, as for a bundle that
// does not exist. It matches and analyzes nothing: a tag that needs more than an
// evaluation is left to its WatchTag, which Reevaluate wakes.
func ApplyPolicy(ctx workflow.Context, request policy.Activation) (Applied, error) {
	return watched(ctx, ApplyPolicyID, func(ctx workflow.Context) (Applied, error) { return applyPolicy(ctx, request) })
}

func applyPolicy(ctx workflow.Context, request policy.Activation) (Applied, error) {
	bundle := request.Bundle
	workflow.SetCurrentDetails(ctx, "### Activating bundle "+plain.Code(bundle)+"\n")
	changed, err := call(ctx, storing, "activate the bundle", Activities.ActivatePolicy, request)
	if err != nil {
		return Applied{}, err
	}
	done, err := call(ctx, bulk, "evaluate the tags that the bundle concerns", Activities.Reevaluate, watch.ReevaluateRequest{})
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Bundle %s is active\n\n%d tags evaluated, %d unchanged without, %d left to their WatchTag workflows.\n",
		plain.Code(bundle), done.Evaluated, done.Kept, done.Outdated))
	return Applied{Changed: changed, Evaluated: done.Evaluated + done.Kept + done.Outdated}, err
}
