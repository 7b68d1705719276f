package webhook

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

// MaxExcerpt is the greatest length of an answer's excerpt, in bytes.
const MaxExcerpt = 1 << 10

// Bounds of reading an answer. The status alone is an answer: a slow or endless body
// must not make a delivery fail, nor keep the connection busy.
const (
	maxAnswerBytes = 16 << 10 // a longer one costs its connection
	answerTimeout  = time.Second
)

// maxRetryAfter keeps an absurd value from overflowing.
const maxRetryAfter = 365 * 24 * time.Hour

// read reads the status and the beginning of the body. cancel ends the request.
func read(response *http.Response, cancel context.CancelFunc, c credentials) delivery.Answer {
	defer response.Body.Close()
	timer := time.AfterFunc(answerTimeout, cancel)
	defer timer.Stop()
	// The excerpt is what was read before any error.
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	return delivery.Answer{
		Status:     response.StatusCode,
		Excerpt:    excerpt(c.redact(string(body))),
		RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
}

// excerpt is the beginning of a text, safe to store and to show on a terminal.
func excerpt(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.TrimSpace(text)
	if len(text) > MaxExcerpt {
		text = strings.ToValidUTF8(text[:MaxExcerpt], "") // not half a character
	}
	return text
}

// retryAfter reads the header of RFC 9110, 10.2.3: seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), maxRetryAfter)
}
