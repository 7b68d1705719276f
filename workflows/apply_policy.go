package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"
)

// Applied is the outcome of one run of ApplyPolicy.
type Applied struct {
	// Changed is false when the bundle with this content was active already.
	Changed bool
	// Woken watchers evaluate it now.
	Woken int
}

// ApplyPolicy makes a stored bundle the active one and wakes every watcher: any
// of them may come to another outcome, and each finds out for itself.
func ApplyPolicy(ctx workflow.Context, bundle string) (Applied, error) {
	workflow.SetCurrentDetails(ctx, "### Activating bundle `"+bundle+"`\n")
	changed, err := call(ctx, storing, "activate "+bundle, Activities.ActivatePolicy, bundle)
	if err != nil {
		return Applied{}, err
	}
	woken, err := all(ctx, "wake the watchers", Activities.WakeAll)
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Bundle `%s` is active\n\n%d watchers evaluate it.\n", bundle, woken))
	return Applied{Changed: changed, Woken: woken}, err
}
