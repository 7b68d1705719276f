package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// Applied is the outcome of one run of ApplyPolicy.
type Applied struct {
	// Changed is false when the bundle with this content was active already.
	Changed bool
	// Woken tags are evaluated anew.
	Woken int
}

// ApplyPolicy makes a stored bundle the active one, has it evaluated for every
// tag, and wakes the watchers that have to know.
func ApplyPolicy(ctx workflow.Context, bundle string) (Applied, error) {
	return watched(ctx, ApplyPolicyID, func(ctx workflow.Context) (Applied, error) { return applyPolicy(ctx, bundle) })
}

func applyPolicy(ctx workflow.Context, bundle string) (Applied, error) {
	workflow.SetCurrentDetails(ctx, "### Activating bundle "+plain.Code(bundle)+"\n")
	changed, err := call(ctx, storing, "activate "+plain.Markdown(bundle), Activities.ActivatePolicy, bundle)
	if err != nil {
		return Applied{}, err
	}
	done, err := all(ctx, "evaluate all tags", Activities.Reevaluate)
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Bundle %s is active\n\n%d tags evaluated, %d watchers woken.\n", plain.Code(bundle), done.Evaluated, done.Woken))
	return Applied{Changed: changed, Woken: done.Evaluated + done.Woken}, err
}
