package registry

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	// tolerated is how many requests may fail in a row before a host is left
	// alone: one broken tag among others is not a broken host.
	tolerated = 5
	// longestBreak bounds the time between two tries of a host that fails.
	longestBreak = 30 * time.Second
	// refusedBreak is how long credentials that were refused are not tried again:
	// accounts get locked by less.
	refusedBreak = time.Minute
)

// breaker keeps a host that fails from being asked by everybody in turn.
type breaker struct {
	failures int // in a row
	until    time.Time
	why      string
	firm     bool // answers do not end it before its time
}

// answered ends a row of failures.
func (b *rateLimit) answered(probe bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe || !b.breaker.firm || !time.Now().Before(b.breaker.until) {
		b.breaker = breaker{}
	}
}

// failed counts a request without a usable answer. Each further failure doubles
// the break.
func (b *rateLimit) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.breaker.failures++
	b.breaker.why = sentence(err)
	if over := b.breaker.failures - tolerated; over >= 0 {
		pause := min(time.Second<<min(over, 10), longestBreak)
		b.breaker.until = time.Now().Add(pause - rand.N(pause/4))
	}
}

// refused leaves a host that refuses credentials alone at once, and returns the
// error that says so.
func (b *rateLimit) refused(err error) error { return b.leave(err, refusedBreak) }

// leave leaves the host alone for a time, whatever it answers until then.
func (b *rateLimit) leave(err error, pause time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.breaker = breaker{failures: tolerated, why: sentence(err), until: time.Now().Add(pause), firm: true}
	return &CoolDownError{Host: b.host, why: "is paused: " + b.breaker.why, wait: pause}
}

// judge counts an answer, or the lack of one, for or against the host. That the
// caller gave up says nothing about it.
func (h *host) judge(ctx context.Context, resp *http.Response, err error) {
	switch {
	case errors.Is(ctx.Err(), context.Canceled) && !errors.Is(context.Cause(ctx), errSilent):
	case err != nil:
		h.rateLimit.failed(h.explain(ctx, err))
	case resp.StatusCode >= http.StatusInternalServerError && resp.StatusCode != http.StatusNotImplemented:
		h.rateLimit.failed(&statusError{host: h.name, status: resp.StatusCode, kind: kindOf(resp.StatusCode, nil)})
	default:
		h.rateLimit.answered(h.probe)
	}
}
