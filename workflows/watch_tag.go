package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
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
	// Types are subscribed, as far as this workflow was notified.
	Types []notification.Type `json:"types,omitempty"`
	// Poll is how often the registry's workflow checks the tag.
	Poll time.Duration `json:"poll,omitempty"`
	// Problem is why the last resync ended early; nil when it did not.
	Problem *condition.Problem `json:"problem,omitempty"`
	// Failures counts the resyncs that failed since the last that did not.
	Failures int `json:"failures,omitempty"`
	// Woken is the reason of the last wake-up.
	Woken watcher.WakeReason `json:"woken,omitempty"`
	// Force asks the next resync to make every step anew.
	Force bool `json:"force,omitempty"`
	// Doing is the step under way, for people.
	Doing string `json:"doing,omitempty"`
	// Analyzing is the image whose analysis was asked for, at Asked; empty when it
	// is answered. Delay is why the answer does not come, as far as that is known.
	Analyzing image.Digest       `json:"analyzing,omitempty"`
	Asked     time.Time          `json:"asked,omitzero"`
	Delay     *condition.Problem `json:"delay,omitempty"`
	// Answer is the one that no resync has taken into account yet.
	Answer *Analyzed `json:"answer,omitempty"`
	// NextResync is when the next resync runs if nothing asks for one before.
	NextResync time.Time `json:"next_resync,omitzero"`
}

// recentNotifications is how many of a tag's notifications its workflow shows.
const recentNotifications = 10

// tagWatcher lives within one run.
type tagWatcher struct {
	TagState
	wake   bool            // a handler asks for a resync before the interval ends
	read   bool            // the tag was recorded elsewhere: its summary is to be read
	ended  bool            // nobody is subscribed any more
	stage  condition.Stage // of the step under way
	health health
	shown  shownAttributes
}

// WatchTag follows one tag for as long as somebody is subscribed to it.
func WatchTag(ctx workflow.Context, state TagState) error {
	w := &tagWatcher{TagState: state, health: health{about: condition.Tag, name: state.Target.String(), certain: true}}
	ctx = workflow.WithValue(ctx, healthKey{}, &w.health)
	if err := w.listen(ctx); err != nil {
		return err
	}
	setDetails(ctx, w.Target.String(), w.details())
	// The subscription that starts a watcher is stored first, for the resync to see.
	if err := handled(ctx); err != nil {
		return err
	}
	for !w.ended && !workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
		if err := readSignals(ctx); err != nil {
			return err
		}
		w.wake, w.read = false, false // before the resync: a signal during it asks for another
		wait := w.resync(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.show(ctx)
		if err := w.rest(ctx, wait); err != nil {
			return err
		}
	}
	if err := handled(ctx); err != nil {
		return err
	}
	if err := readSignals(ctx); err != nil {
		return err
	}
	if w.ended && !w.wake {
		return nil
	}
	return workflow.NewContinueAsNewError(ctx, WatchTag, w.TagState)
}

// rest waits for the next resync. A watcher that nobody needs waits only for its
// handlers: one of them may be storing a subscription.
func (w *tagWatcher) rest(ctx workflow.Context, wait time.Duration) error {
	if w.ended {
		err := await(ctx, func() bool { return w.wake || workflow.AllHandlersFinished(ctx) })
		w.ended = !w.wake
		return err
	}
	for until := workflow.Now(ctx).Add(wait); ; {
		w.NextResync = until
		_, err := waitFor(ctx, until.Sub(workflow.Now(ctx)), "next resync", func() bool { return w.wake || w.read })
		if err != nil || w.wake || !w.read {
			return err
		}
		w.read = false
		summary, err := local(ctx, "read what is recorded", Activities.ReadSummary, w.Target)
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
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateSubscribe, w.subscribe,
		workflow.UpdateHandlerOptions{Validator: w.validate,
			Description: `Store subscriptions of this tag. Input: {"Target": "host/repository:tag", "Types": ["tag_update"]}; use tagwatch subscribe.`}); err != nil {
		return err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, UpdateUnsubscribe, w.unsubscribe,
		workflow.UpdateHandlerOptions{Validator: w.validateEnd,
			Description: `End subscriptions of this tag. Input: {"Target": "host/repository:tag", "Types": [...]}, all without Types; use tagwatch unsubscribe.`}); err != nil {
		return err
	}
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

// answered takes the answer to the request for an analysis, or why it takes longer.
// What is about an image that the tag has left meanwhile is of no concern.
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

func (w *tagWatcher) validate(request subscription.Request) error {
	if len(request.Types) == 0 {
		return invalid("no notification type to subscribe to")
	}
	return w.concerns(request.Target, request.Types)
}

func (w *tagWatcher) validateEnd(request subscription.EndRequest) error {
	return w.concerns(request.Target, request.Types)
}

// concerns refuses a request about another tag, or of types that no tag has.
func (w *tagWatcher) concerns(target image.Target, types []notification.Type) error {
	if target != w.Target {
		return invalid("this watcher follows %s, not %s", w.Target, target)
	}
	for _, t := range types {
		if !slices.Contains(notification.TagTypes, t) {
			return invalid("%q is not a notification type of tags", t)
		}
	}
	return nil
}

func (w *tagWatcher) subscribe(ctx workflow.Context, request subscription.Request) (subscription.Result, error) {
	result, err := call(ctx, asked, "store subscriptions", Activities.Subscribe, request)
	if err == nil {
		w.Types, w.wake = result.Types, true
		// A Dockerfile changes what is judged, which nothing else would show.
		w.Force = w.Force || request.Options.Dockerfile != ""
	}
	return result, err
}

func (w *tagWatcher) unsubscribe(ctx workflow.Context, request subscription.EndRequest) (int, error) {
	left, err := call(ctx, asked, "end subscriptions", Activities.Unsubscribe, request)
	if err == nil {
		w.wake = true
		w.Types = slices.DeleteFunc(slices.Clone(w.Types), func(t notification.Type) bool {
			return len(request.Types) == 0 || slices.Contains(request.Types, t)
		})
	}
	return left, err
}

// pass runs one resync and returns how long to wait for the next.
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

// note keeps that steps of the tag keep failing, or that its analysis does not come.
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
		return min(wait, patience) // the clocks of two machines differ
	}
	return wait // it was due, and the resync failed
}

// ordinary is the time between two resyncs when nothing is known of the tag yet.
const ordinary = time.Hour
