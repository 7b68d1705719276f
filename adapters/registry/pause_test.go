package registry

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPauseThatIsAskedFor(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, header, value, body string
		want                      time.Duration
	}{
		{"nothing", "", "", "", 0},
		{"words of GHCR", "", "", `{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 411.235µs, allowed: 44000/minute"}]}`, 411235 * time.Nanosecond},
		{"words with seconds", "", "", "Too many requests. Try again in 30 seconds.", 30 * time.Second},
		{"words with minutes", "", "", "rate exceeded, please retry after 2 minutes", 2 * time.Minute},
		{"a field", "", "", `{"retry_after": 12.5}`, 12500 * time.Millisecond},
		{"words without a time", "", "", "Too many requests, allowed: 44000/minute", 0},
		{"a reset in seconds", "RateLimit-Reset", "45", "", 45 * time.Second},
		{"a reset at a time", "X-RateLimit-Reset", "1796040060", "", time.Minute},
		{"the later draft", "RateLimit", `"default";r=0;t=50`, "", 50 * time.Second},
		{"the draft between", "RateLimit", "limit=100, remaining=0, reset=50", "", 50 * time.Second},
		{"the header before the words", "Retry-After", "7", "try again in 30 seconds", 7 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			resp := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(test.body))}
			if test.header != "" {
				resp.Header.Set(test.header, test.value)
			}
			if got := pauseIn(resp, now); (got - test.want).Abs() > time.Microsecond {
				t.Errorf("pause %s, want %s", got, test.want)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != test.body {
				t.Errorf("left of the body: %q, %v", body, err)
			}
		})
	}
}

// A pause that did not help is followed by one twice as long; of many answers
// that came at once, one counts; and an answer begins anew.
func TestPausesDouble(t *testing.T) {
	t.Parallel()
	b, now := newRateLimit(nil, "registry x", 1e6, 8), time.Now()
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		for range 8 {
			b.cool(http.StatusTooManyRequests, 0, now)
		}
		if got := b.coolUntil.Sub(now); got != want*time.Second {
			t.Errorf("pause %s, want %ds", got, want)
		}
		now = b.coolUntil
	}
	b.cool(http.StatusOK, 0, now)
	b.cool(http.StatusTooManyRequests, 411*time.Microsecond, now)
	if got := b.coolUntil.Sub(now); got != time.Second {
		t.Errorf("after an answer: %s", got)
	}
}
