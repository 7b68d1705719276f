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
	// patience is how long the first repetition of what failed waits; it doubles
	// up to the time between two ordinary ones.
	patience = 30 * time.Second
	// afterFault is the longest wait until a round that failed is repeated: whatever is
	// wrong can be put right meanwhile.
	afterFault = 5 * time.Minute
)

// backoff is the wait after a number of failures in a row.
func backoff(failures int) time.Duration { return patience << min(max(failures-1, 0), 10) }

// outlook is what a round expects of the time after it.
type outlook struct {
	// over reports that there is nothing left to do, ever.
	over bool
	// wait is the time until the next round, unless a signal asks for one before;
	// pause the least time until then, whoever asks but a person.
	wait, pause time.Duration
}

// subject is what rounds are about.
type subject struct {
	kind    condition.Resource
	name    string
	summary string
	details func() string
	labels  []temporal.SearchAttributeUpdate
}

// rounds runs one round after the other until there is nothing left to do or
// the run has grown old enough to be continued as new. A round that fails is
// repeated: whatever watches must not stop watching. The details say what the
// workflow knows, below its summary.
func rounds(ctx workflow.Context, s subject, round func(workflow.Context) (outlook, error)) (over bool, err error) {
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
		if _, err := waitFor(ctx, next.wait, "next round", func() bool { return wake }); err != nil {
			return false, err
		}
		if pause := next.pause - workflow.Now(ctx).Sub(ended); pause > 0 {
			if _, err := waitFor(ctx, pause, "pause between rounds", func() bool { return now }); err != nil {
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
	return "\nLast woken for: " + plain.Markdown(string(reason)) + "\n"
}

// stages name what the rounds do.
var stages = map[condition.Resource]condition.Stage{
	condition.Registry: "poll", condition.Repository: condition.StageList, condition.Endpoint: "deliver",
}

// faulty notes that a round failed, and shows it where people check first.
func (s subject) faulty(ctx workflow.Context, h *health, err error) outlook {
	workflow.GetLogger(ctx).Error("round failed", "error", err)
	h.after(ctx, problemOf(ctx, stages[s.kind], err, nil))
	setDetails(ctx, s.summary, "### Failing since "+shortTime(workflow.Now(ctx))+"\n\n"+plain.Markdown(messageOf(err))+"\n")
	return outlook{wait: min(backoff(h.failures), afterFault)}
}
