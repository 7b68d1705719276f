package activities

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// pollStore keeps when each tag is due and what it pointed to.
type pollStore interface {
	Due(ctx context.Context, registry string, now time.Time, limit int) ([]polling.Check, error)
	Checked(ctx context.Context, checks []polling.Check) error
	// NextDue is what is due at the registry.
	NextDue(ctx context.Context, registry string) (polling.Polls, error)
}

const (
	pollPage        = 200 // tags stored together
	pollConcurrency = 8   // requests at a time; the host's own rate limit still holds
	// pollTime is how long one poll goes on at most, however slowly the registry
	// lets it ask: what it saw is to be known, and the next one begins with those
	// that have been due longest.
	pollTime = time.Minute
)

// PollRegistry checks the due tags of a registry, one HEAD request each, and wakes
// the watchers of those that moved. What it saw is stored page by page, so a
// repeated poll goes on where the last one was. A registry that does not
// answer ends the poll: nothing is concluded about its tags. What was not due for
// its turn when the poll's time was over stays due.
func (a *Activities) PollRegistry(ctx context.Context, registry string) (polling.Poll, error) {
	var polled polling.Poll
	var checked atomic.Int64
	defer heartbeat(ctx, func() any { return checked.Load() })()
	began := a.now()
	asking, cancel := context.WithTimeout(ctx, cmp.Or(a.PollTime, pollTime))
	defer cancel()
	for over := false; !over && asking.Err() == nil; {
		due, err := a.Store.Due(ctx, registry, a.now(), pollPage)
		if err != nil {
			return polled, classify(err)
		}
		if len(due) == 0 {
			break
		}
		asked := 0
		if asked, over, err = a.pollPage(ctx, asking, due, &polled); err != nil {
			return polled, classify(err)
		}
		checked.Store(int64(polled.Checked))
		if asked == 0 {
			break // no more turns in this poll's time
		}
	}
	if err := a.schedule(ctx, registry, began, &polled); err != nil {
		return polled, classify(err)
	}
	return polled, classify(a.followRegistry(ctx, registry, &polled))
}

// pollPage checks some tags, as long as there is time to ask, stores what it
// saw, and reports how many it asked for. Over reports that the registry has had
// enough, or does not answer.
func (a *Activities) pollPage(ctx, asking context.Context, due []polling.Check, polled *polling.Poll) (asked int, over bool, err error) {
	page := a.checkAll(asking, due)
	if ctx.Err() != nil {
		return 0, false, ctx.Err()
	}
	a.spread(page.asked)
	moved, err := a.wakeMoved(ctx, due, page.asked)
	if err != nil {
		return 0, false, err
	}
	polled.Checked, polled.Moved, polled.Failed = polled.Checked+page.answers, polled.Moved+moved, polled.Failed+page.failures
	if pause := retryAfter(page.failure); pause > mostWaited {
		over, polled.Wait, polled.Limited = true, pause, limited(page.failure)
	}
	fails := page.answers == 0 && page.failure != nil && !a.answersElsewhere(ctx, due, page)
	if fails && !(polled.Limited && polled.Checked > 0) { // a limit that was reached on the way is none to speak of
		over, polled.Problem = true, problem(condition.StageResolve, page.failure, nil, a.now())
	}
	return len(page.asked), over, a.Store.Checked(ctx, page.asked)
}

// elsewhere is how many other tags are checked before a registry is said to
// fail because of a few.
const elsewhere = 3

// answersElsewhere reports that the tags that failed are all that fails: a
// registry can be unable to answer for one tag, which may be the only one due.
func (a *Activities) answersElsewhere(ctx context.Context, due []polling.Check, page *polledPage) bool {
	if page.over() {
		return false
	}
	ahead := a.now().Add(longAhead)
	others, err := a.Store.Due(ctx, due[0].Target.Reference.Registry, ahead, len(due)+elsewhere)
	if err != nil {
		return false
	}
	failed := make(map[image.Reference]bool, len(due))
	for _, check := range due {
		failed[check.Target.Reference] = true
	}
	for _, other := range others {
		if failed[other.Target.Reference] {
			continue
		}
		if _, err := a.head(ctx, other.Target.Reference); err == nil || errkind.Permanent(err) {
			return true
		}
	}
	return false
}

// longAhead is further than any tag is due.
const longAhead = 365 * 24 * time.Hour

// spread says when each tag is due again. Platforms of one tag stay together, to
// be checked with one request.
func (a *Activities) spread(asked []polling.Check) {
	for i := range asked {
		asked[i].Every = a.pollOf(asked[i])
		asked[i].Next = polling.NextPoll(asked[i].Target.Reference, asked[i].Every, a.now())
	}
}

func (a *Activities) pollOf(check polling.Check) time.Duration {
	every := cmp.Or(check.Poll, a.Poll)
	if check.Target.Reference.Digest != "" { // it cannot move, and only be gone
		return max(every, a.Resync)
	}
	return every
}

// polledPage is what came of checking a page of tags.
type polledPage struct {
	mu       sync.Mutex
	asked    []polling.Check
	answers  int
	failures int
	failure  error // the last of the registry itself
}

// checkAll asks for each tag's digest, until the registry has shown that it does
// not answer. Among answers, a failure is that of one tag: it is checked again in
// its turn and does not keep the others from theirs.
func (a *Activities) checkAll(ctx context.Context, due []polling.Check) *polledPage {
	page := &polledPage{}
	var group errgroup.Group
	group.SetLimit(pollConcurrency)
	// The platforms of one tag are one request.
	for _, checks := range divide(due, func(check polling.Check) image.Reference { return check.Target.Reference }) {
		group.Go(func() error {
			if ctx.Err() == nil && !page.over() {
				digest, err := a.head(ctx, checks[0].Target.Reference)
				if unanswered(ctx, err) {
					return nil
				}
				page.add(checks, digest, err, a.now())
			}
			return nil
		})
	}
	_ = group.Wait() // no check returns an error
	return page
}

// unanswered reports that the poll's time was over before the tag had its turn, or
// its answer: nothing is known of it, or of the registry.
func unanswered(ctx context.Context, err error) bool {
	return notAsked(err) || err != nil && !errkind.Permanent(err) && ctx.Err() != nil
}

// mostWaited is the longest pause that a registry may ask for within a poll, and
// pauses how many of them one tag is worth.
const (
	mostWaited = 5 * time.Second
	pauses     = 4
)

// head asks for a tag's digest, and once more after each short pause that the
// registry asks for.
func (a *Activities) head(ctx context.Context, ref image.Reference) (image.Digest, error) {
	for try := 1; ; try++ {
		digest, err := a.Registry.Head(ctx, ref)
		pause := retryAfter(err)
		if pause == 0 || pause > mostWaited || try == pauses {
			return digest, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return "", err
		}
	}
}

// limited reports that an error is a limit of a registry that works.
func limited(err error) bool {
	var limit interface{ Limited() bool }
	return errors.As(err, &limit) && limit.Limited()
}

// over reports that it makes no sense to ask on.
func (p *polledPage) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failures >= pollConcurrency || retryAfter(p.failure) > mostWaited
}

// add counts an answer about a tag. One that is gone or may not be read has no
// digest, which is a change like another; where the registry failed, nothing is
// known.
func (p *polledPage) add(checks []polling.Check, digest image.Digest, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil || errkind.Permanent(err) {
		for i := range checks {
			checks[i].Seen, checks[i].Answered = digest, now
		}
		p.answers += len(checks)
	} else {
		p.failures, p.failure = p.failures+1, err
	}
	p.asked = append(p.asked, checks...)
}

// wakeMoved wakes the watchers of the tags that moved.
func (a *Activities) wakeMoved(ctx context.Context, before, after []polling.Check) (int, error) {
	earlier := make(map[image.Target]polling.Check, len(before))
	for _, check := range before {
		earlier[check.Target] = check
	}
	moved := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pollConcurrency)
	for _, check := range after {
		if !check.Moved(earlier[check.Target]) {
			continue
		}
		moved++
		group.Go(func() error { return a.Watchers.WakeTag(ctx, check.Target, watcher.WakePoll) })
	}
	return moved, group.Wait()
}

// schedule says when the next poll is due. Signals meanwhile do not make due it
// past the next point of the grid, unless there are tags that are due already.
func (a *Activities) schedule(ctx context.Context, registry string, began time.Time, polled *polling.Poll) error {
	polls, err := a.Store.NextDue(ctx, registry)
	if err != nil {
		return err
	}
	polled.Active, polled.Tags, polled.RateLimit = polls.Tags > 0, polls.Tags, a.Registry.RateLimit(registry)
	now := a.now()
	wait := max(polls.Next.Sub(now), polled.Wait, 0)
	if wait > 0 {
		polled.Pause = max(polling.NextStep(polls.Step(a.Poll), began).Sub(now), polled.Wait, 0)
		wait = max(wait, polled.Pause)
	}
	if polled.Problem != nil {
		wait = max(wait, subscription.ShortestPoll)
		polled.Pause = wait
	}
	polled.Wait = wait
	return nil
}

const (
	// limitFor is how long the registry's limit may leave nothing for any tag before that
	// is confirmed to be a failure; longLimit is a pause that is one at once.
	limitFor  = 5 * time.Minute
	longLimit = 15 * time.Minute
)

// followRegistry follows whether the registry responds. It does again once most
// checks are answered: one that is about to break down or to come back answers now and
// then.
func (a *Activities) followRegistry(ctx context.Context, registry string, polled *polling.Poll) error {
	if !polled.Active {
		return nil
	}
	key := condition.Key{Kind: condition.Unreachable, Resource: condition.Registry, Name: registry}
	found := polled.Problem.Wrong()
	if found != nil && polled.Limited && polled.Wait < longLimit {
		found.For = limitFor
	}
	if found != nil || polled.Checked > polled.Failed {
		if _, err := a.follow(ctx, condition.Wrong(key, found), nil); err != nil {
			return err
		}
	}
	list, err := a.Store.Conditions(ctx, condition.Scope{Resource: condition.Registry, Name: registry})
	if err != nil {
		return err
	}
	for _, c := range condition.Confirmed(list) {
		switch c.Kind {
		case condition.Unreachable:
			polled.Unreachable = condition.ProblemOf(c)
		case condition.Delayed: // the last tag that waited may be gone
			err = a.followDelays(ctx, registry, false)
		}
	}
	return err
}
