// Package overload decides whether more work waits than is normal, and says so.
package overload

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is a kind of work.
type Kind string

// The kinds.
const (
	FirstChecks Kind = "first_check" // tags that were subscribed to and not checked yet
	Checks      Kind = "check"       // tags whose next check is due
	Analyses    Kind = "analysis"    // images that are not analyzed yet
	Deliveries  Kind = "delivery"    // what is due to healthy endpoints that take everything at once
)

// Kinds are all of them, in the order of the work.
var Kinds = []Kind{FirstChecks, Checks, Analyses, Deliveries}

// Span is the time in which what is done is counted, to say how long the rest takes.
const Span = 5 * time.Minute

// Queue is the work of one kind that waits.
type Queue struct {
	Kind    Kind
	Waiting int
	Since   time.Time // when what waits longest began to; zero if nothing waits
	Done    int       // in the last Span
}

// kinds say what waits, and how long that is normal.
var kinds = map[Kind]struct {
	one, many string
	normal    time.Duration
}{
	FirstChecks: {"tag waiting for its first check", "tags waiting for their first check", time.Minute},
	Checks:      {"tag overdue for a check", "tags overdue for a check", 2 * time.Minute},
	Analyses:    {"image waiting for analysis", "images waiting for analysis", 10 * time.Minute},
	Deliveries:  {"delivery waiting to be sent", "deliveries waiting to be sent", time.Minute},
}

// Overload is a queue that waits longer than is normal.
type Overload struct {
	Queue
	// Left is about how long the rest takes; zero if nothing was done lately.
	Left time.Duration
}

// Find are the overloads among the queues.
func Find(queues []Queue, now time.Time) []Overload {
	var found []Overload
	for _, q := range queues {
		if q.Waiting == 0 || q.Since.IsZero() || now.Sub(q.Since) < kinds[q.Kind].normal {
			continue
		}
		over := Overload{Queue: q}
		if q.Done > 0 {
			over.Left = time.Duration(float64(Span) * float64(q.Waiting) / float64(q.Done))
		}
		found = append(found, over)
	}
	return found
}

// Text is as in "5,000 tags waiting for their first check, about 4 min".
func (o Overload) Text() string {
	what := kinds[o.Kind].many
	if o.Waiting == 1 {
		what = kinds[o.Kind].one
	}
	rest := "none done in the last " + minutes(Span)
	if o.Left > 0 {
		rest = "about " + minutes(o.Left)
	}
	return fmt.Sprintf("%s %s, %s", thousands(o.Waiting), what, rest)
}

// minutes is a duration in whole minutes, hours from two of them on.
func minutes(d time.Duration) string {
	if d < 2*time.Hour {
		return fmt.Sprintf("%d min", max(1, int(d.Round(time.Minute)/time.Minute)))
	}
	return fmt.Sprintf("%d h", int(d.Round(time.Hour)/time.Hour))
}

// thousands writes 5,000.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	var parts []string
	for len(digits) > 3 {
		parts = append([]string{digits[len(digits)-3:]}, parts...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, parts...), ",")
}
