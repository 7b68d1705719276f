package registry

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

const (
	// firstPause applies where a host asks to wait and does not say how long: many
	// limits are by the second. It doubles with each pause that did not help.
	firstPause = time.Second
	// longestPause ends the doubling.
	longestPause = time.Minute
	// longestCoolDown is the longest window that a registry is known to count
	// requests in: six hours, Docker Hub's.
	longestCoolDown = 6 * time.Hour
)

// CoolDownError reports that requests to a host are paused: because it asked
// for it, because its limit is used up, or because it fails. It is a
// errkind.Unavailable.
type CoolDownError struct {
	Host    string // with what it is, as "registry docker.io"
	why     string
	wait    time.Duration
	limited bool
}

// Error implements error.
func (e *CoolDownError) Error() string {
	return fmt.Sprintf("%s %s: %v", e.Host, e.why, errkind.Unavailable)
}

// Limited reports that the host works, and wants fewer requests.
func (e *CoolDownError) Limited() bool { return e.limited }

// Unwrap is errkind.Unavailable.
func (e *CoolDownError) Unwrap() error { return errkind.Unavailable }

// RetryAfter is how long to wait before asking again, counted from the moment
// of the error.
func (e *CoolDownError) RetryAfter() time.Duration { return e.wait }

// rateLimit bounds the requests to one host, from all callers: how often, how much at
// a time, how much in the windows that the host itself announces, and how soon
// again after it failed.
type rateLimit struct {
	host      string // with what it is
	rate      *rate.Limiter
	slots     chan struct{} // requests without an answer
	transfers chan struct{} // bodies of layers under way
	probe     chan struct{} // taken by the one request that learns what the host allows
	share     *share        // of what all workers may ask; nil for a worker that shares nothing

	mu        sync.Mutex
	coolUntil time.Time
	pauses    int           // in a row that the host gave no time for
	news      chan struct{} // closed at the next answer
	allowance allowance
	breaker   breaker
}

func newRateLimit(client *Registry, host string, perSecond float64, concurrency int) *rateLimit {
	return &rateLimit{
		host:      host,
		rate:      rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond))),
		slots:     make(chan struct{}, concurrency),
		transfers: make(chan struct{}, concurrency),
		probe:     make(chan struct{}, 1),
		share:     newShare(client, host, perSecond),
		news:      make(chan struct{}),
	}
}

// succeed is the rate limit for other settings of the host. What the host asked for
// holds on, and so do turns under way; what failed before may work now.
func (b *rateLimit) succeed(client *Registry, settings hostSettings) *rateLimit {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rate.Limit() == rate.Limit(settings.perSecond) && cap(b.slots) == settings.concurrency {
		b.breaker = breaker{}
		return b
	}
	next := newRateLimit(client, b.host, settings.perSecond, settings.concurrency)
	next.coolUntil, next.pauses = b.coolUntil, b.pauses
	return next
}

// turn is leave for one request.
type turn struct {
	rateLimit *rateLimit
	counted   bool // by the host, against the limit that it announces
	probe     bool // does not mind that the host failed
	scouting  bool
	ticket    ticket
	leave     leave
}

// acquire waits for a turn. The caller ends it when the answer's header has
// arrived, or none will.
func (b *rateLimit) acquire(ctx context.Context, counted, probe bool) (*turn, error) {
	t := &turn{rateLimit: b, counted: counted, probe: probe}
	if err := t.closed(); err != nil {
		return nil, err
	}
	if err := t.probeFirst(ctx); err != nil {
		return nil, err
	}
	if err := t.take(ctx); err != nil {
		t.stopScouting()
		return nil, err
	}
	return t, nil
}

func (t *turn) take(ctx context.Context) error {
	b := t.rateLimit
	if err := wait(ctx, b.slots, b.host); err != nil {
		return err
	}
	err := b.pace(ctx)
	if err == nil {
		err = t.granted(ctx)
	}
	if err != nil {
		<-b.slots
	}
	return err
}

// pace keeps to the rate. The limiter gives up at once when the turn would come
// too late.
func (b *rateLimit) pace(ctx context.Context) error {
	err := b.rate.Wait(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	default:
		err = fmt.Errorf("its rate limit of %g requests a second is in demand", float64(b.rate.Limit()))
	}
	return &noTurnError{b.host, err}
}

// noTurnError is the end of a wait for a turn. The host was not asked, so nothing
// is known of it.
type noTurnError struct {
	host  string
	cause error
}

// Error implements error.
func (e *noTurnError) Error() string {
	return fmt.Sprintf("wait for a turn at %s: %v: %v", e.host, errkind.Unavailable, e.cause)
}

// Unwrap is errkind.Unavailable and the cause.
func (e *noTurnError) Unwrap() []error { return []error{errkind.Unavailable, e.cause} }

// NotAsked reports that no request was made.
func (e *noTurnError) NotAsked() bool { return true }

func wait(ctx context.Context, slots chan<- struct{}, host string) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &noTurnError{host, context.Cause(ctx)}
	}
}

// probeFirst lets one counted request go alone as long as it is not known what
// the host allows: several at once might already be too many.
func (t *turn) probeFirst(ctx context.Context) error {
	b := t.rateLimit
	if !t.counted || b.informed() {
		return nil
	}
	if err := wait(ctx, b.probe, b.host); err != nil {
		return err
	}
	if t.scouting = !b.informed(); !t.scouting {
		<-b.probe
	}
	return nil
}

func (t *turn) stopScouting() {
	if t.scouting {
		t.scouting = false
		<-t.rateLimit.probe
	}
}

func (b *rateLimit) informed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.allowance.fresh(time.Now())
}

// granted takes one of the requests that the host allows. While answers are
// under way that report whether there is one, it waits for them.
func (t *turn) granted(ctx context.Context) error {
	for {
		var err error
		if t.leave, err = t.rateLimit.share.take(ctx, t.counted); err != nil {
			return err
		}
		news, err := t.grant()
		if err != nil || news != nil {
			t.rateLimit.share.giveBack(t.leave)
		}
		if news == nil {
			return err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return &noTurnError{t.rateLimit.host, context.Cause(ctx)}
		}
	}
}

func (t *turn) grant() (news <-chan struct{}, err error) {
	b, now := t.rateLimit, time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := t.closedAt(now); err != nil { // another request was notified to wait meanwhile
		return nil, err
	}
	if !t.counted {
		t.ticket = b.allowance.watch()
		return nil, nil
	}
	taken, wait := b.allowance.take(now)
	switch {
	case wait == undecided:
		return b.news, nil
	case wait > 0:
		return nil, &CoolDownError{Host: b.host, why: b.allowance.usedUp(), wait: wait, limited: true}
	}
	t.ticket = taken
	return nil, nil
}

// end gives the turn back and takes what the answer says about the host's load;
// nil if there was none.
func (t *turn) end(resp *http.Response) {
	b, now := t.rateLimit, time.Now()
	var said http.Header
	var hint time.Duration
	if resp != nil {
		said, hint = resp.Header, pauseIn(resp, now)
	}
	b.mu.Lock()
	cooling := b.coolUntil
	if resp != nil {
		b.cool(resp.StatusCode, hint, now)
	}
	closed := time.Duration(0)
	if b.coolUntil.After(cooling) {
		closed = b.coolUntil.Sub(now)
	}
	b.allowance.settle(t.ticket, t.counted, said, now)
	close(b.news)
	b.news = make(chan struct{})
	b.mu.Unlock()
	b.share.end(t.leave, resp, closed)
	<-b.slots
	t.stopScouting()
}

// transfer waits until one more body may be transferred.
func (b *rateLimit) transfer(ctx context.Context) (release func(), err error) {
	if err := wait(ctx, b.transfers, b.host); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { <-b.transfers }), nil
}

// closed is an error as long as the host is left alone.
func (t *turn) closed() error {
	t.rateLimit.mu.Lock()
	defer t.rateLimit.mu.Unlock()
	return t.closedAt(time.Now())
}

func (t *turn) closedAt(now time.Time) error {
	b := t.rateLimit
	if err := b.cooling(now); err != nil {
		return err
	}
	if wait := b.breaker.until.Sub(now); wait > 0 && !t.probe {
		return &CoolDownError{Host: b.host, why: "is paused: " + b.breaker.why, wait: wait}
	}
	return nil
}

// cooling is an error as long as the host wants to be left alone.
func (b *rateLimit) cooling(now time.Time) error {
	if wait := b.coolUntil.Sub(now); wait > 0 {
		return &CoolDownError{Host: b.host, why: asksToWait(wait), wait: wait, limited: true}
	}
	return nil
}

func asksToWait(wait time.Duration) string {
	return "asks to wait " + max(wait.Round(time.Second), time.Second).String()
}

// limited is why a request was answered with 429, if the rate limit knows.
func (b *rateLimit) limited() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cooling(time.Now())
}

// cool closes the host for everybody at a 429, and at a 503 that says for how
// long. Of several requests under way, one begins the pause.
func (b *rateLimit) cool(status int, hint time.Duration, now time.Time) {
	open := !now.Before(b.coolUntil)
	switch {
	case status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable:
		if open {
			b.pauses = 0
		}
		return
	case hint >= firstPause:
		b.allowance.reset = now.Add(hint) // the host knows better than we can reckon
	case status == http.StatusServiceUnavailable || !open:
		return
	default: // no hint, or one that the next request may come too soon after
		hint = min(firstPause<<min(b.pauses, 10), longestPause)
		b.pauses++
	}
	if until := now.Add(hint); until.After(b.coolUntil) {
		b.coolUntil = until
	}
}
