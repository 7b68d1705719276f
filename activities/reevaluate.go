package activities

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// outcomeStore keeps the outcomes of all tags.
type outcomeStore interface {
	Outcomes(ctx context.Context, filter watch.OutcomeFilter) ([]watch.Outcome, error)
	KeepOutcomes(ctx context.Context, from, to string, targets []image.Target) error
	RecordAll(ctx context.Context, targets []image.Target, decide func(int, watch.RecordView) (watch.Decision, watcher.WakeReason, error)) error
	OwedWakes(ctx context.Context, limit int) ([]watch.OwedWake, error)
	Woke(ctx context.Context, owed []watch.OwedWake) error
}

const (
	outcomePage   = 5000 // outcomes read at a time: which images a build touches is found anew for each page
	recordedBatch = 25   // tags recorded in one transaction
	batches       = 4    // at a time
	wakers        = 8    // watchers woken at a time
)

// Reevaluate brings the outcomes of all tags up to date with the active bundle and the
// acceptances, or with newer data: a watcher that is woken to find that its outcome is the same costs ten
// times as much. Tags that differ in nothing but the name are evaluated once, and those
// that the difference of two bundles does not concern, not at all. Endpoints are woken
// first, then the watchers that have something to show or to do. The store knows which
// outcomes are up to date and whose watchers are to be woken: a repeated step loses none.
func (a *Activities) Reevaluate(ctx context.Context, request watch.ReevaluateRequest) (watch.Reevaluated, error) {
	r := &reevaluation{Activities: a, reason: watcher.WakePolicy, filter: watch.OutcomeFilter{Build: request.Build, Limit: outcomePage}}
	if request.Build != "" {
		r.reason = watcher.WakeData
	}
	if activity.HasHeartbeatDetails(ctx) {
		if err := activity.GetHeartbeatDetails(ctx, &r.result); err != nil {
			r.result = watch.Reevaluated{}
		}
	}
	r.reached.Store(r.result)
	defer heartbeat(ctx, r.reached.Load)()
	err := r.run(ctx)
	if err == nil {
		err = a.wakeOwed(ctx)
	}
	return r.result, classify(err)
}

// reevaluation lives within one call of Reevaluate.
type reevaluation struct {
	*Activities
	reason  watcher.WakeReason
	filter  watch.OutcomeFilter
	result  watch.Reevaluated
	reached atomic.Value // the result, of whole pages

	assessed assessments // of the batches under way

	mu        sync.Mutex
	endpoints []string // that have something to send
}

func (r *reevaluation) run(ctx context.Context) error {
	if err := r.wakeRepeated(ctx); err != nil {
		return err
	}
	if err := r.widen(ctx); err != nil {
		return err
	}
	for {
		r.filter.After = r.result.After
		page, err := r.Store.Outcomes(ctx, r.filter)
		if err != nil || len(page) == 0 {
			return err
		}
		if err = r.page(ctx, page); errors.Is(err, errkind.Conflict) && ctx.Err() == nil {
			continue // there is another bundle or build meanwhile
		}
		if err != nil {
			return err
		}
		r.result.After = page[len(page)-1].Place()
		r.reached.Store(r.result)
	}
}

// widen has all tags evaluated where newer data can bring any of them to another
// outcome: the first data ever, and data whose age a rule judges.
func (r *reevaluation) widen(ctx context.Context) error {
	if r.filter.Build == "" {
		return nil
	}
	feed, err := r.Store.Feed(ctx)
	if err != nil || feed.Current == nil {
		return err
	}
	if feed.Previous == nil {
		r.filter.Build = ""
		return nil
	}
	active, err := r.Store.ActiveBundle(ctx)
	if errors.Is(err, errkind.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	parsed, err := r.bundle(ctx, active.Hash)
	if err == nil && parsed.bundle.AgeMatters(feed.Previous.Built, feed.Current.Built, r.now()) {
		r.filter.Build = ""
	}
	return err
}

// keyed is a tag whose outcome may be another now.
type keyed struct {
	watch.Outcome
	key string // under the active bundle; "" if nobody can tell
}

// page keeps the outcomes that are certain to be the same, and renews the others.
func (r *reevaluation) page(ctx context.Context, page []watch.Outcome) error {
	kept, left := map[string][]image.Target{}, []keyed(nil)
	for _, o := range page {
		key, same, err := r.compare(ctx, o)
		if err != nil {
			return err
		}
		if from := o.View.State.Basis.Bundle; !same {
			left = append(left, keyed{o, key})
		} else if r.result.Kept++; from != o.View.Bundle {
			kept[from] = append(kept[from], o.Target)
		}
	}
	for from, targets := range kept {
		if err := r.Store.KeepOutcomes(ctx, from, page[0].View.Bundle, targets); err != nil {
			return err
		}
	}
	r.assessed.clear()
	for some := range slices.Chunk(left, batches*recordedBatch) {
		group, inner := errgroup.WithContext(ctx)
		for batch := range slices.Chunk(some, recordedBatch) {
			group.Go(func() error { return r.batch(inner, batch) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		slices.Sort(r.endpoints)
		if err := r.WakeEndpoints(ctx, slices.Compact(r.endpoints)); err != nil {
			return err
		}
		r.endpoints = nil
		last := some[len(some)-1].View.State.Analyzed // the next may be of it, too
		r.assessed.keep(last)
	}
	return nil
}

// compare reports whether an outcome is certain to be the same, and else its key.
func (r *reevaluation) compare(ctx context.Context, o watch.Outcome) (key string, same bool, err error) {
	state, policies := o.View.State, r.reason == watcher.WakePolicy
	switch {
	case policies && o.Judged():
		return "", true, nil
	case !o.Evaluable():
		return "", !state.Matched && o.View.Build == "", nil // it waits for the first data
	case o.Current():
		return "", true, nil
	}
	if key, err = r.key(ctx, o.View.Bundle, o.View.Accepting, o); err != nil || !policies || key == "" || state.Problem != nil || !o.Lasts(r.now()) {
		return key, false, err
	}
	before, err := r.key(ctx, state.Basis.Bundle, state.Basis.Acceptances, o)
	return key, before == key, err
}

// key is that of an outcome of a bundle and of acceptances. It is "" where the bundle is
// gone or a pattern of it cannot be matched.
func (a *Activities) key(ctx context.Context, hash, acceptances string, o watch.Outcome) (string, error) {
	if hash == "" {
		return string(o.View.State.Analyzed) + acceptances, nil
	}
	parsed, err := a.bundle(ctx, hash)
	if errors.Is(err, errkind.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	key, err := parsed.bundle.Key(ctx, o.Candidate(acceptances))
	if err != nil {
		return "", ctx.Err()
	}
	return key, nil
}

// batch evaluates some tags and records them in one transaction. The watcher sees to a
// tag that needs more, that changes right now or that cannot be evaluated: the others
// are not held up.
func (r *reevaluation) batch(ctx context.Context, batch []keyed) error {
	targets, seen := make([]image.Target, len(batch)), make([]watch.Seen, len(batch))
	for i, each := range batch {
		targets[i] = each.Target
		var err error
		if seen[i], err = r.see(ctx, each); err != nil {
			if ctx.Err() != nil || errors.Is(err, errkind.Unavailable) {
				return err
			}
			r.Log.InfoContext(ctx, "tag not evaluated in bulk, watcher woken", "tag", each.Target.String(), "reason", err)
		}
	}
	decisions, turned := make([]watch.Decision, len(batch)), make([]bool, len(batch))
	err := r.Store.RecordAll(ctx, targets, func(i int, now watch.RecordView) (decision watch.Decision, wake watcher.WakeReason, err error) {
		made := batch[i].View
		if !now.Like(made) {
			return decision, "", errkind.Conflict
		}
		if !seen[i].Matched || now.State.Revision != made.State.Revision {
			return decision, watcher.WakeOutdated, nil
		}
		seen[i].Running = now.Running
		decision, err = watch.Decide(targets[i], now.State, seen[i], r.audience(ctx, now), r.now())
		decisions[i] = decision
		before, after := now.State.Summarize(targets[i]), decision.State.Summarize(targets[i])
		turned[i] = before.Status != "" && after.Status != before.Status
		if len(decision.Notifications) > 0 || !after.Shows(before) {
			wake = r.reason
		}
		return decision, wake, err
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, decision := range decisions {
		if decision.State.Revision == 0 {
			r.result.Outdated++
			continue
		}
		r.result.Evaluated++
		if turned[i] {
			r.result.StatusChanged++
		}
		r.logSuppressed(ctx, targets[i].String(), decision.Suppressed)
		r.endpoints = append(r.endpoints, outcome(targets[i], decision).Endpoints...)
	}
	return nil
}

// see is what a watcher would see of a tag; without anything matched for one that needs
// more than an evaluation.
func (r *reevaluation) see(ctx context.Context, each keyed) (watch.Seen, error) {
	if !each.Evaluable() {
		return watch.Seen{}, nil
	}
	request := watch.RecordRequest{Target: each.Target, Resolved: each.View.State.Resolved, Problem: each.View.State.Problem}
	if request.Problem != nil && request.Problem.Stage == condition.StageEvaluate {
		request.Problem = nil
	}
	once := assessed{each.View.State.Analyzed, each.key}
	if !each.View.State.Pending.IsZero() { // the image may be another by now
		once = assessed{}
	}
	made, err := r.assessed.once(once, func() (assessment, error) { return r.assess(ctx, request, each.View) })
	if err != nil {
		return watch.Seen{}, err
	}
	return r.seen(ctx, made, request, each.View)
}

// wakeOwed wakes the watchers whose tags were recorded here, or are to be.
func (a *Activities) wakeOwed(ctx context.Context) error {
	for {
		owed, err := a.Store.OwedWakes(ctx, wakeBatch)
		if err != nil || len(owed) == 0 {
			return err
		}
		group, inner := errgroup.WithContext(ctx)
		group.SetLimit(wakers)
		for _, o := range owed {
			group.Go(func() error { return a.Watchers.WakeTag(inner, o.Target, o.Reason) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if err := a.Store.Woke(ctx, owed); err != nil {
			return err
		}
		if err := a.Watchers.Room(ctx); err != nil {
			return err
		}
	}
}
