// Package wording writes times, durations, sizes, counts and lists for people, alike
// on the terminal, on the status page and in notifications.
package wording

import (
	"fmt"
	"strings"
	"time"
)

// Ago is a time relative to now: "5m ago", "in 2h", or "never" for the zero time.
func Ago(now, t time.Time) string {
	switch {
	case t.IsZero():
		return "never"
	case t.After(now):
		return "in " + Duration(rounded(t.Sub(now)))
	}
	return Duration(now.Sub(t)) + " ago"
}

// When is a time, exactly and relative to now; "" for the zero time.
func When(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST") + " (" + Ago(now, t) + ")"
}

// rounded is a duration in whole units, those in which Duration says it: what was to be in 90
// days is not said to be in 89 a moment later.
func rounded(d time.Duration) time.Duration {
	switch {
	case d < time.Minute:
		return d.Round(time.Second)
	case d < time.Hour:
		return d.Round(time.Minute)
	case d < 48*time.Hour:
		return d.Round(time.Hour)
	}
	return d.Round(24 * time.Hour)
}

// Duration is a duration in its largest unit, rounded down: "59s", "5m", "47h", "2d".
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/day)
}

// Count is a number with its noun: "1 tag", "2 tags", "3 deliveries".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, found := strings.CutSuffix(noun, "y"); found {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Texts are the texts of named types.
func Texts[T ~string](list []T) []string {
	texts := make([]string, len(list))
	for i, each := range list {
		texts[i] = string(each)
	}
	return texts
}

// List is texts in one line.
func List[T ~string](list []T) string { return strings.Join(Texts(list), ", ") }

// Size is a number of bytes in its largest unit, as in "1.5 GiB".
func Size(bytes int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if bytes >= unit.bytes {
			return fmt.Sprintf("%.4g %s", float64(bytes)/float64(unit.bytes), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}
