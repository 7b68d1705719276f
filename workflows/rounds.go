package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

const (
	// firstRetry is the wait before what failed is repeated for the first time; it
	// doubles up to the time between two ordinary rounds.
	firstRetry = 30 * time.Second
	// longestRetryWait is the longest wait before a round that failed is repeated.
	longestRetryWait = 5 * time.Minute
)

// backoff is the wait after a number of failures in a row.
func backoff(failures int) time.Duration { return firstRetry << min(max(failures-1, 0), 10) }

// outlook is what a round says about the next one.
type outlook struct {
	// over reports that the store does not need the workflow any more: it ends.
	over bool
	// wait is the time until the next round if no signal asks for one before. pause is
	// the shortest time until then; only an urgent wake-up ends it (see
	// watcher.WakeReason).
	wait, pause time.Duration
}

// followed is what the rounds of a workflow follow.
type followed struct {
	kind    condition.Resource
	name    string
	summary string
	details func() string
	labels  []temporal.SearchAttributeUpdate
}

// rounds is the loop of WatchRegistry, WatchRepository, FollowSource, ApplyConfiguration and ServeEndpoint: a round, then a
// wait for the next or for the signal SignalWake, until a round reports that the workflow
// is over, or Temporal suggests to continue as new. Both happen between rounds, with every
// signal read. A round that fails does not fail the workflow: it is repeated after 30 s,
// doubling up to 5 minutes, or when woken. The current details show the state, below the
// summary.
func rounds(ctx workflow.Context, s followed, round func(workflow.Context) (outlook, error)) (over bool, err error) {
	h := &health{about: s.kind, name: s.name}
	ctx = workflow.WithValue(ctx, healthKey{}, h)
	wake, now, woken := false, false, watcher.WakeReason("")
	show := func() { setDetails(ctx, s.summary, s.details()+wokenDetails(woken)) }
	show()
	onSignal(ctx, SignalWake, func(w watcher.Wake) {
		workflow.GetLogger(ctx).Debug("woken", "reason", w.Reason)
		if w.Reason == watcher.WakeAttributes {
			upsert(ctx, s.labels...)
			return
		}
		wake, now, woken = true, now || w.Reason.Urgent(), w.Reason
	})
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		if err := readSignals(ctx); err != nil {
			return false, err
		}
		wake, now = false, false // before the round: a signal during it asks for another
		next, err := round(ctx)
		if canceled := readSignals(ctx); canceled != nil {
			return false, canceled
		}
		if err != nil {
			next = s.faulty(ctx, h, err)
		} else {
			h.after(ctx, nil)
			show()
		}
		if next.over && !wake {
			return true, nil
		}
		ended := workflow.Now(ctx)
		if _, err := waitFor(ctx, next.wait, nextRound[s.kind], func() bool { return wake }); err != nil {
			return false, err
		}
		if pause := next.pause - workflow.Now(ctx).Sub(ended); pause > 0 {
			if _, err := waitFor(ctx, pause, "shortest time between two rounds", func() bool { return now }); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

func wokenDetails(reason watcher.WakeReason) string {
	if reason == "" {
		return ""
	}
	return "\n\nLast woken for: " + plain.Markdown(string(reason)) + "\n"
}

// nextRound names the timer until the next round, for Temporal's Web UI.
var nextRound = map[condition.Resource]string{
	condition.Registry: "next poll", condition.Repository: "next listing", condition.Source: "next reading", condition.Endpoint: "next deliveries",
	condition.Task: "next attempt",
}

// stages name what the rounds do.
var stages = map[condition.Resource]condition.Stage{
	condition.Registry: "poll", condition.Repository: condition.StageList, condition.Source: condition.StageList, condition.Endpoint: "deliver",
	condition.Task: "apply",
}

// faulty notes that a round failed, and shows it in the current details.
func (s followed) faulty(ctx workflow.Context, h *health, err error) outlook {
	workflow.GetLogger(ctx).Error("round failed", "error", err)
	h.after(ctx, problemOf(ctx, stages[s.kind], err, nil))
	setDetails(ctx, s.summary, "### Failing since "+shortTime(workflow.Now(ctx))+"\n\n"+plain.Markdown(messageOf(err))+"\n")
	return outlook{wait: min(backoff(h.failures), longestRetryWait)}
}
