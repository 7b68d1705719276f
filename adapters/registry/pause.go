package registry

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pauseIn is how long an answer asks to wait, zero if it does not say: in
// Retry-After, in the headers that announce a limit, or in words, as GHCR's
// "retry-after: 411.2µs, allowed: 44000/minute". The body can be read again.
func pauseIn(resp *http.Response, now time.Time) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	for _, name := range []string{"Retry-After", "X-Retry-After"} {
		if wait, ok := parseRetryAfter(resp.Header.Get(name), now); ok {
			return wait
		}
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	if at := announcedReset(resp.Header, now); at.After(now) {
		return at.Sub(now)
	}
	body := resp.Body
	head, err := io.ReadAll(io.LimitReader(body, maxErrorBody))
	resp.Body = &ending{io.NopCloser(io.MultiReader(bytes.NewReader(head), body)), func() { _ = body.Close() }}
	if err != nil {
		return 0
	}
	return pauseInWords(string(head))
}

// parseRetryAfter reads seconds or an HTTP date (RFC 9110, section 10.2.3), and
// what is sent instead: fractions, durations with a unit, and times in seconds
// since 1970. A wait that is over is as good as none.
func parseRetryAfter(text string, now time.Time) (wait time.Duration, ok bool) {
	text = strings.TrimSpace(text)
	if value, err := strconv.ParseFloat(text, 64); err == nil {
		if value > firstEpoch {
			value -= float64(now.Unix())
		}
		wait = secondsOf(value)
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	} else if wait, err = time.ParseDuration(text); err != nil {
		return 0, false
	}
	return min(wait, longestCoolDown), wait > 0
}

// firstEpoch divides durations from times, both in seconds.
const firstEpoch = 1_000_000_000

// secondsOf bounds what is beyond a duration.
func secondsOf(value float64) time.Duration {
	return time.Duration(min(value, longestCoolDown.Seconds()) * float64(time.Second))
}

// pauseWords is a wait in a sentence.
var pauseWords = regexp.MustCompile(`(?i)(?:retry[-_ ]?after|(?:try|try again|retry|again) (?:in|after)|wait(?: for)?)["\\:=\s]+([0-9]+(?:\.[0-9]+)?)\s*([a-zµμ]*)`)

// units by their names in sentences.
var units = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond, "ms": time.Millisecond,
	"": time.Second, "s": time.Second, "sec": time.Second, "secs": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hour": time.Hour, "hours": time.Hour,
}

func pauseInWords(text string) time.Duration {
	found := pauseWords.FindStringSubmatch(text)
	if found == nil {
		return 0
	}
	value, err := strconv.ParseFloat(found[1], 64)
	unit, known := units[strings.ToLower(found[2])]
	if err != nil || !known {
		return 0
	}
	return secondsOf(value * unit.Seconds())
}
