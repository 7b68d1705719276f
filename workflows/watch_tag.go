package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// TagState is all that one run of WatchTag hands to the next.
type TagState struct {
	Target image.Target `json:"target"`
	// Summary is what is known of the tag; Recent what was notified last, newest
	// first.
	Summary watch.Summary    `json:"summary,omitzero"`
	Recent  []watch.Notified `json:"recent,omitempty"`
	// Types are subscribed, as the last resync found.
	Types []notification.Type `json:"types,omitempty"`
	// Poll is how often the registry's workflow checks the tag.
	Poll time.Duration `json:"poll,omitempty"`
	// Problem is why the last resync did not come to an end, or what it found wrong; nil
	// without.
	Problem *condition.Problem `json:"problem,omitempty"`
	// Failures counts the resyncs that failed since the last that did not.
	Failures int `json:"failures,omitempty"`
	// Woken is the reason of the last wake-up.
	Woken watcher.WakeReason `json:"woken,omitempty"`
	// Force makes the next resync repeat every step, also for an image that is analyzed.
	Force bool `json:"force,omitempty"`
	// Doing is the step under way, for people.
	Doing string `json:"doing,omitempty"`
	// Analyzing is the image whose analysis was requested, at Asked; empty when
	// AnalyzeImage has answered. Delay is why the answer takes longer, if it said so.
	Analyzing image.Digest       `json:"analyzing,omitempty"`
	Asked     time.Time          `json:"asked,omitzero"`
	Delay     *condition.Problem `json:"delay,omitempty"`
	// Answer is the one that no resync has taken into account yet.
	Answer *Analyzed `json:"answer,omitempty"`
	// Rest is the time from the start until the first resync of a watcher that has
	// nothing to do but to show what was recorded before it was started.
	Rest time.Duration `json:"rest,omitempty"`
	// NextResync is when the next resync runs if nothing asks for one before.
	NextResync time.Time `json:"next_resync,omitzero"`
}

// Begin is what the watcher of a tag begins with, of which something may be recorded.
func Begin(target image.Target, first watch.FirstRecord) TagState {
	return TagState{Target: target, Summary: first.Recorded.Summary, Recent: first.Recorded.Notifications, Types: first.Types,
		Poll: first.Poll, Rest: first.Rest}
}

// recentNotifications is how many of a tag's notifications its workflow shows.
const recentNotifications = 10

// tagWatcher lives within one run.
type tagWatcher struct {
	TagState
	wake   bool            // a handler asks for a resync before the interval ends
	read   bool            // Reevaluate recorded the tag: its summary is to be read
	ended  bool            // nobody is subscribed any more
	stage  condition.Stage // of the step under way
	health health
	shown  shownAttributes
}

// WatchTag follows one tag for as long as it has a subscription. It is started when the tag
// is subscribed to, alone or with its repository, and by Reconcile. Whatever signals
// SignalWake starts it if it does not run; a second start wakes the run that exists.
//
// It runs one resync after the other (see follow), at the interval of the settings, and
// waits between them. These end the wait:
//   - SignalWake: a resync; with WakeRescan one that repeats every step; with WakeData or
//     WakePolicy, after Reevaluate has recorded the tag, it only reads the new summary; with
//     WakeAttributes it only sets its search attributes again
//   - SignalAnalyzed, from AnalyzeImage: a resync that matches and records, or that shows
//     why the analysis takes longer. It never waits inside a resync for an analysis
//   - the time at which a rule of the policy has another outcome
//
// A failed step never fails the workflow: the next resync tries again, after 30 s, doubling
// up to the interval. Whatever a crash interrupts, the step is repeated, or the next resync
// finds by the store what is left to do.
//
// It ends after a resync that finds no subscription. It continues as new between resyncs
// when Temporal suggests it.
func WatchTag(ctx workflow.Context, state TagState) error {
	w := &tagWatcher{TagState: state, health: health{about: condition.Tag, name: state.Target.String(), certain: true}}
	ctx = workflow.WithValue(ctx, healthKey{}, &w.health)
	if err := w.listen(ctx); err != nil {
		return err
	}
	setDetails(ctx, w.Target.String(), w.Details())
	for !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		if err := readSignals(ctx); err != nil {
			return err
		}
		wait := w.begun(ctx)
		if wait == 0 {
			w.wake, w.read = false, false // before the resync: a signal during it asks for another
			wait = w.resync(ctx)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.show(ctx)
		if w.ended {
			break
		}
		if err := w.rest(ctx, wait); err != nil {
			return err
		}
	}
	if err := readSignals(ctx); err != nil {
		return err
	}
	if w.ended && !w.wake { // whoever subscribes stores it first, and then wakes
		return nil
	}
	return workflow.NewContinueAsNewError(ctx, WatchTag, w.TagState)
}

// begun is how long to rest before the first resync; zero if there is something to do.
// A run that is started with its rest as the delay is over begins here after it, or
// with what woke it.
func (w *tagWatcher) begun(ctx workflow.Context) time.Duration {
	if w.Rest == 0 {
		return 0
	}
	w.shown = w.outcome() // they were set with the start
	left := w.Rest - workflow.Now(ctx).Sub(workflow.GetInfo(ctx).WorkflowStartTime)
	if w.Rest = 0; w.wake {
		return 0
	}
	return max(w.due(ctx, left), 0)
}

// rest waits for the next resync.
func (w *tagWatcher) rest(ctx workflow.Context, wait time.Duration) error {
	for until := workflow.Now(ctx).Add(wait); ; {
		w.NextResync = until
		_, err := waitFor(ctx, until.Sub(workflow.Now(ctx)), "next resync", func() bool { return w.wake || w.read })
		if err != nil || w.wake || !w.read {
			return err
		}
		w.read = false
		summary, err := local(ctx, "read the recorded state", Activities.ReadSummary, w.Target)
		if err != nil {
			return ctx.Err() // a resync finds out what is wrong
		}
		w.Summary = summary
		w.show(ctx)
		until = workflow.Now(ctx).Add(w.due(ctx, until.Sub(workflow.Now(ctx))))
	}
}

// listen installs every handler before the workflow first blocks.
func (w *tagWatcher) listen(ctx workflow.Context) error {
	onSignal(ctx, SignalWake, func(wake watcher.Wake) { w.woken(ctx, wake.Reason) })
	onSignal(ctx, SignalAnalyzed, w.answered)
	return answers(ctx, func() (TagState, error) { return w.TagState, nil })
}

// woken takes a wake-up.
func (w *tagWatcher) woken(ctx workflow.Context, reason watcher.WakeReason) {
	workflow.GetLogger(ctx).Debug("woken", "reason", reason)
	if reason == watcher.WakeAttributes {
		w.label(ctx)
		return
	}
	w.Woken = reason
	if reason == watcher.WakePolicy || reason == watcher.WakeData {
		w.read = true
		return
	}
	w.wake = true
	w.Force = w.Force || reason == watcher.WakeRescan
}

// answered takes the answer to the request for an analysis, or why it takes longer. An
// answer about an image that the tag has left meanwhile is dropped.
func (w *tagWatcher) answered(done Analyzed) {
	if done.Digest != w.Analyzing {
		return
	}
	if w.wake = true; done.Delayed {
		w.Delay = done.Problem
		return
	}
	w.Answer, w.Analyzing, w.Delay = &done, "", nil
}

// resync runs one resync, keeps its outcome, and returns how long to wait for the next.
func (w *tagWatcher) resync(ctx workflow.Context) time.Duration {
	before := w.Problem
	seen, err := w.follow(ctx)
	w.Doing = ""
	if err != nil {
		w.Problem = problemOf(ctx, w.stage, err, before)
	}
	w.Problem = lasting(before, w.Problem)
	if w.Problem == nil {
		w.Failures = 0
	} else {
		w.Failures++
	}
	if ctx.Err() == nil {
		w.note(ctx, seen, err)
	}
	return w.pause(ctx, seen)
}

// lasting keeps since when an analysis does not come: each resync finds that out anew.
func lasting(before, now *condition.Problem) *condition.Problem {
	if before == nil || now == nil || now.Stage != condition.StageAnalyze || permanent(now) || before.Stage != now.Stage || before.Kind != now.Kind {
		return now
	}
	same := *now
	same.Since = before.Since
	return &same
}

// note stores that steps of the tag keep failing, or that its analysis takes longer.
// What is wrong with its registry or its image is recorded already.
func (w *tagWatcher) note(ctx workflow.Context, seen watch.Observation, err error) {
	w.health.noted = w.health.noted || seen.Noted
	delayed := w.Problem != nil && w.Problem.Stage == condition.StageAnalyze && !permanent(w.Problem)
	switch {
	case err != nil:
		w.health.after(ctx, w.Problem)
	case delayed: // it was tried several times, or nobody is there to try
		w.health.delayed(ctx, w.Problem)
	default:
		w.health.after(ctx, nil)
	}
}

// pause is the time to wait after a resync: the ordinary interval, shorter while
// something fails or when time alone can change the outcome before.
func (w *tagWatcher) pause(ctx workflow.Context, seen watch.Observation) time.Duration {
	wait := seen.Every
	if wait <= 0 {
		wait = ordinary
	}
	if w.Problem != nil && !permanent(w.Problem) && w.Problem.Stage != condition.StageAnalyze {
		wait = max(min(wait, backoff(w.Failures)), seen.RetryAfter)
	}
	if w.Analyzing != "" {
		wait = min(wait, max(w.Asked.Add(answerAfter).Sub(workflow.Now(ctx)), shortestWait))
	}
	return w.due(ctx, wait)
}

// due is how long to wait if time alone can change the outcome before.
func (w *tagWatcher) due(ctx workflow.Context, wait time.Duration) time.Duration {
	if w.Summary.Next.IsZero() {
		return wait
	}
	due := w.Summary.Next.Sub(workflow.Now(ctx))
	if due > 0 {
		return min(wait, due+time.Second) // rather too late than too early: the rule is true from then on
	}
	if w.Problem == nil {
		return min(wait, firstRetry) // the clocks of two machines differ
	}
	return wait // it was due, and the resync failed
}

// ordinary is the time between two resyncs when nothing is known of the tag yet.
const ordinary = time.Hour
