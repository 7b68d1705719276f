package registry

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/tagwatch/tagwatch/domain/fault"
)

const (
	// defaultCoolDown applies where a host asks to wait and does not say how long.
	defaultCoolDown = time.Minute
	// longestCoolDown is the longest window that a registry is known to count
	// requests in: six hours, Docker Hub's.
	longestCoolDown = 6 * time.Hour
)

// CoolDownError tells that a host asked to be left alone for a while. It is a
// fault.Unavailable.
type CoolDownError struct {
	Host string
	wait time.Duration
}

// Error implements error.
func (e *CoolDownError) Error() string {
	return fmt.Sprintf("registry %s asks to wait %s: %v", e.Host, e.wait.Round(time.Second), fault.Unavailable)
}

// Unwrap is fault.Unavailable.
func (e *CoolDownError) Unwrap() error { return fault.Unavailable }

// RetryAfter is how long to wait before asking again, counted from the moment
// of the error.
func (e *CoolDownError) RetryAfter() time.Duration { return e.wait }

// budget limits what is asked of one host, whoever asks.
type budget struct {
	host  string
	rate  *rate.Limiter
	slots chan struct{}

	mu        sync.Mutex
	coolUntil time.Time
}

func newBudget(host string, perSecond float64, concurrency int) *budget {
	return &budget{
		host:  host,
		rate:  rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond))),
		slots: make(chan struct{}, concurrency),
	}
}

// acquire waits for a turn. The caller releases it when the answer's header has
// arrived.
func (b *budget) acquire(ctx context.Context) (release func(), err error) {
	if err := b.cooling(); err != nil {
		return nil, err
	}
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a turn at %s: %w", b.host, ctx.Err())
	}
	release = func() { <-b.slots }
	if err := b.rate.Wait(ctx); err != nil {
		release()
		return nil, fmt.Errorf("wait for a turn at %s: %w: %w", b.host, fault.Unavailable, err)
	}
	if err := b.cooling(); err != nil { // another request was told to wait meanwhile
		release()
		return nil, err
	}
	return release, nil
}

// cooling is an error as long as the host wants to be left alone.
func (b *budget) cooling() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if wait := time.Until(b.coolUntil); wait > 0 {
		return &CoolDownError{Host: b.host, wait: wait}
	}
	return nil
}

// note takes what an answer says about the host's load: 429, and 503 with a
// Retry-After, close the host for everybody.
func (b *budget) note(resp *http.Response) {
	asked := resp.Header.Get("Retry-After")
	if resp.StatusCode != http.StatusTooManyRequests && (resp.StatusCode != http.StatusServiceUnavailable || asked == "") {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := time.Now().Add(parseRetryAfter(asked)); until.After(b.coolUntil) {
		b.coolUntil = until
	}
}

// parseRetryAfter reads seconds or an HTTP date (RFC 9110, section 10.2.3).
func parseRetryAfter(text string) time.Duration {
	wait := defaultCoolDown
	if seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, time.Second), longestCoolDown)
}
