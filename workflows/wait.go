package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// await waits until the condition holds. Unlike workflow.Await it returns an error
// once the workflow is canceled, whatever the condition: a canceled workflow goes on
// with nothing.
func await(ctx workflow.Context, condition func() bool) error {
	err := workflow.Await(ctx, func() bool { return ctx.Err() != nil || condition() })
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// waitFor waits until the condition holds, but no longer than that, and reports
// whether it holds. Unlike workflow.AwaitWithTimeout it cancels a timer that is no
// longer needed: one that is left behind fires later for nothing, and
// whatever is woken often would leave many.
func waitFor(ctx workflow.Context, longest time.Duration, summary string, condition func() bool) (bool, error) {
	if ctx.Err() == nil && condition() {
		return true, nil
	}
	timing, stop := workflow.WithCancel(ctx)
	defer stop()
	timer := workflow.NewTimerWithOptions(timing, longest, workflow.TimerOptions{Summary: summary})
	err := await(ctx, func() bool { return condition() || timer.IsReady() })
	return err == nil && condition(), err
}
