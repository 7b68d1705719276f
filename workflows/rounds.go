package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

const (
	// patience is how long the first repetition of what failed waits; it doubles
	// up to the time between two ordinary ones.
	patience = 30 * time.Second
	// afterFault is how long a round that failed for good waits to be repeated:
	// whatever is wrong can be put right meanwhile.
	afterFault = 5 * time.Minute
)

// backoff is the wait after a number of failures in a row.
func backoff(failures int) time.Duration { return patience << min(max(failures-1, 0), 10) }

// outlook is what a round expects of the time after it.
type outlook struct {
	// over tells that there is nothing left to do, ever.
	over bool
	// wait is the time until the next round, unless a signal asks for one before.
	wait time.Duration
}

// rounds runs one round after the other until there is nothing left to do or
// the run has grown old enough to be continued as new. A round that fails is
// repeated: whatever watches must not stop watching.
func rounds(ctx workflow.Context, round func(workflow.Context) (outlook, error)) (over bool, err error) {
	wake := false
	onSignal(ctx, SignalWake, func(struct{}) { wake = true })
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		if err := readSignals(ctx); err != nil {
			return false, err
		}
		wake = false // before the round: a signal during it asks for another
		next, err := round(ctx)
		if canceled := readSignals(ctx); canceled != nil {
			return false, canceled
		}
		if err != nil {
			next = faulty(ctx, err)
		}
		if next.over && !wake {
			return true, nil
		}
		if _, err := waitFor(ctx, next.wait, "next round", func() bool { return wake }); err != nil {
			return false, err
		}
	}
	return false, nil
}

// faulty shows what failed where people look first.
func faulty(ctx workflow.Context, err error) outlook {
	workflow.GetLogger(ctx).Error("round failed", "error", err)
	workflow.SetCurrentDetails(ctx, "### Failing since "+moment(workflow.Now(ctx))+"\n\n"+messageOf(err)+"\n")
	return outlook{wait: afterFault}
}
