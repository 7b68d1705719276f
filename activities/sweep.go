package activities

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// sweepStore keeps when each tag is due and what it pointed to.
type sweepStore interface {
	Due(ctx context.Context, registry string, now time.Time, limit int) ([]watch.Look, error)
	Looked(ctx context.Context, looks []watch.Look) error
	// NextDue is what is due at the registry.
	NextDue(ctx context.Context, registry string) (watch.Polls, error)
}

const (
	sweepPage        = 200 // tags stored together
	sweepConcurrency = 8   // requests at a time; the host's own budget still holds
	// sweepTime is how long one sweep goes on at most, however slowly the registry
	// lets it ask: what it saw is to be known, and the next one begins with those
	// that have been due longest.
	sweepTime = time.Minute
)

// Sweep looks at the due tags of a registry, one HEAD request each, and wakes
// the watchers of those that moved. What it saw is stored page by page, so a
// repeated sweep goes on where the last one was. A registry that does not
// answer ends the sweep: nothing is concluded about its tags. What was not due for
// its turn when the sweep's time was over stays due.
func (a *Activities) Sweep(ctx context.Context, registry string) (watch.Sweep, error) {
	var swept watch.Sweep
	var looked atomic.Int64
	defer heartbeat(ctx, func() any { return looked.Load() })()
	began := a.now()
	asking, cancel := context.WithTimeout(ctx, cmp.Or(a.SweepTime, sweepTime))
	defer cancel()
	for over := false; !over && asking.Err() == nil; {
		due, err := a.Store.Due(ctx, registry, a.now(), sweepPage)
		if err != nil {
			return swept, classify(err)
		}
		if len(due) == 0 {
			break
		}
		asked := 0
		if asked, over, err = a.sweepPage(ctx, asking, due, &swept); err != nil {
			return swept, classify(err)
		}
		looked.Store(int64(swept.Looked))
		if asked == 0 {
			break // no more turns in this sweep's time
		}
	}
	return swept, classify(a.schedule(ctx, registry, began, &swept))
}

// sweepPage looks at some tags, as long as there is time to ask, stores what it
// saw, and tells how many it asked for. Over tells that the registry has had
// enough, or does not answer.
func (a *Activities) sweepPage(ctx, asking context.Context, due []watch.Look, swept *watch.Sweep) (asked int, over bool, err error) {
	page := a.lookAll(asking, due)
	if ctx.Err() != nil {
		return 0, false, ctx.Err()
	}
	a.spread(page.asked)
	moved, err := a.wakeMoved(ctx, due, page.asked)
	if err != nil {
		return 0, false, err
	}
	swept.Looked, swept.Moved, swept.Failed = swept.Looked+page.answers, swept.Moved+moved, swept.Failed+page.failures
	if pause := retryAfter(page.failure); pause > mostWaited {
		over, swept.Wait, swept.Limited = true, pause, limited(page.failure)
	}
	fails := page.answers == 0 && page.failure != nil && !a.answersElsewhere(ctx, due, page)
	if fails && !(swept.Limited && swept.Looked > 0) { // a limit that was reached on the way is none to speak of
		over, swept.Problem = true, problem(watch.StageResolve, page.failure, nil, a.now())
	}
	return len(page.asked), over, a.Store.Looked(ctx, page.asked)
}

// elsewhere is how many other tags are asked for before a registry is said to
// fail because of a few.
const elsewhere = 3

// answersElsewhere tells that the tags that failed are all that fails: a
// registry can be unable to answer for one tag, which may be the only one due.
func (a *Activities) answersElsewhere(ctx context.Context, due []watch.Look, page *sweptPage) bool {
	if page.over() {
		return false
	}
	ahead := a.now().Add(longAhead)
	others, err := a.Store.Due(ctx, due[0].Target.Reference.Registry, ahead, len(due)+elsewhere)
	if err != nil {
		return false
	}
	failed := make(map[image.Reference]bool, len(due))
	for _, look := range due {
		failed[look.Target.Reference] = true
	}
	for _, other := range others {
		if failed[other.Target.Reference] {
			continue
		}
		if _, err := a.head(ctx, other.Target.Reference); err == nil || fault.Permanent(err) {
			return true
		}
	}
	return false
}

// longAhead is further than any tag is due.
const longAhead = 365 * 24 * time.Hour

// spread says when each tag is due again. Platforms of one tag stay together, to
// be looked at with one request.
func (a *Activities) spread(asked []watch.Look) {
	for i := range asked {
		asked[i].Every = a.pollOf(asked[i])
		asked[i].Next = watch.NextPoll(asked[i].Target.Reference, asked[i].Every, a.now())
	}
}

func (a *Activities) pollOf(look watch.Look) time.Duration {
	if look.Poll > 0 {
		return look.Poll
	}
	return a.Poll
}

// sweptPage is what came of looking at a page of tags.
type sweptPage struct {
	mu       sync.Mutex
	asked    []watch.Look
	answers  int
	failures int
	failure  error // the last of the registry itself
}

// lookAll asks for each tag's digest, until the registry has shown that it does
// not answer. Among answers, a failure is that of one tag: it is asked again in
// its turn and does not keep the others from theirs.
func (a *Activities) lookAll(ctx context.Context, due []watch.Look) *sweptPage {
	page := &sweptPage{}
	var group errgroup.Group
	group.SetLimit(sweepConcurrency)
	// The platforms of one tag are one request.
	for _, looks := range divide(due, func(look watch.Look) image.Reference { return look.Target.Reference }) {
		group.Go(func() error {
			if ctx.Err() == nil && !page.over() {
				digest, err := a.head(ctx, looks[0].Target.Reference)
				if unanswered(ctx, err) {
					return nil
				}
				page.add(looks, digest, err, a.now())
			}
			return nil
		})
	}
	_ = group.Wait() // no look returns an error
	return page
}

// unanswered tells that the sweep's time was over before the tag had its turn, or
// its answer: nothing is known of it, or of the registry.
func unanswered(ctx context.Context, err error) bool {
	return notAsked(err) || err != nil && !fault.Permanent(err) && ctx.Err() != nil
}

// mostWaited is the longest pause that a registry may ask for within a sweep, and
// patience how many of them one tag is worth.
const (
	mostWaited = 5 * time.Second
	patience   = 4
)

// head asks for a tag's digest, and once more after each short pause that the
// registry asks for.
func (a *Activities) head(ctx context.Context, ref image.Reference) (image.Digest, error) {
	for try := 1; ; try++ {
		digest, err := a.Registry.Head(ctx, ref)
		pause := retryAfter(err)
		if pause == 0 || pause > mostWaited || try == patience {
			return digest, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", err
		}
	}
}

// limited tells that an error is a limit of a registry that works.
func limited(err error) bool {
	var limit interface{ Limited() bool }
	return errors.As(err, &limit) && limit.Limited()
}

// over tells that it makes no sense to ask on.
func (p *sweptPage) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures >= sweepConcurrency || retryAfter(p.failure) > mostWaited
}

// add counts an answer about a tag. One that is gone or may not be read has no
// digest, which is a change like another; where the registry failed, nothing is
// known.
func (p *sweptPage) add(looks []watch.Look, digest image.Digest, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil || fault.Permanent(err) {
		for i := range looks {
			looks[i].Seen, looks[i].Answered = digest, now
		}
		p.answers += len(looks)
	} else {
		p.failures, p.failure = p.failures+1, err
	}
	p.asked = append(p.asked, looks...)
}

// wakeMoved wakes the watchers of the tags that moved.
func (a *Activities) wakeMoved(ctx context.Context, before, after []watch.Look) (int, error) {
	earlier := make(map[image.Target]watch.Look, len(before))
	for _, look := range before {
		earlier[look.Target] = look
	}
	moved := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sweepConcurrency)
	for _, look := range after {
		if !look.Moved(earlier[look.Target]) {
			continue
		}
		moved++
		group.Go(func() error { return a.Watchers.WakeTag(ctx, look.Target) })
	}
	return moved, group.Wait()
}

// schedule says when the next sweep is due. Signals meanwhile do not hasten it
// past the next point of the grid, unless there are tags that are due already.
func (a *Activities) schedule(ctx context.Context, registry string, began time.Time, swept *watch.Sweep) error {
	polls, err := a.Store.NextDue(ctx, registry)
	if err != nil {
		return err
	}
	swept.Active, swept.Tags, swept.Budget = polls.Tags > 0, polls.Tags, a.Registry.Budget(registry)
	now := a.now()
	wait := max(polls.Next.Sub(now), swept.Wait, 0)
	if wait > 0 {
		swept.Pause = max(watch.NextStep(polls.Step(a.Poll), began).Sub(now), swept.Wait, 0)
		wait = max(wait, swept.Pause)
	}
	if swept.Problem != nil {
		wait = max(wait, minPoll)
		swept.Pause = wait
	}
	swept.Wait = wait
	return nil
}

// TellRegistry tells the event log that a registry fails, or has recovered.
func (a *Activities) TellRegistry(ctx context.Context, turn watch.RegistryTurn) error {
	resource := event.Resource{ID: turn.Registry, Kind: "registry"}
	if turn.Failing {
		return classify(a.log(ctx, event.Logged{Event: "system.registry.failing", Level: event.LevelError,
			Message: "Registry does not answer: " + turn.Problem.Message, Resource: resource}, since(turn.Problem.Since)))
	}
	return classify(a.log(ctx, event.Logged{Event: "system.registry.recovered", Level: event.LevelInfo,
		Message: "Registry answers again", Details: map[string]any{"failing_since": turn.Problem.Since}, Resource: resource}, since(turn.Problem.Since)))
}
