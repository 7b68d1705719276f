package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// waitFor waits until the condition holds, but no longer than so, and tells
// whether it holds. Unlike workflow.AwaitWithTimeout it takes back a timer that
// is no longer needed: one that is left behind fires later for nothing, and
// whatever is woken often would leave many.
func waitFor(ctx workflow.Context, longest time.Duration, summary string, condition func() bool) (bool, error) {
	if condition() {
		return true, nil
	}
	timing, stop := workflow.WithCancel(ctx)
	defer stop()
	timer := workflow.NewTimerWithOptions(timing, longest, workflow.TimerOptions{Summary: summary})
	err := workflow.Await(ctx, func() bool { return condition() || timer.IsReady() })
	return condition(), err
}
