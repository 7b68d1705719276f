package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// ago is a moment as people say it; "never" for none.
func (s *session) ago(t time.Time) string {
	switch {
	case t.IsZero():
		return "never"
	case t.After(s.now):
		return "in " + span(t.Sub(s.now))
	}
	return span(s.now.Sub(t)) + " ago"
}

// when is a moment exactly and as people say it; "" for none.
func (s *session) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 MST") + " (" + s.ago(t) + ")"
}

// span is a duration in its largest unit.
func span(d time.Duration) string {
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

// stamp is a moment in a list that a person reads line by line.
func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// dash stands for a missing value in a table.
func dash(text string) string { return cmp.Or(text, "-") }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// short is enough of a hash for a person.
func short(hash string) string {
	hash = strings.TrimPrefix(hash, "sha256:")
	return hash[:min(12, len(hash))]
}

// texts are the texts of named types.
func texts[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, each := range list {
		all[i] = string(each)
	}
	return all
}

// list is texts in one line.
func list[T ~string](all []T) string { return strings.Join(texts(all), ", ") }

// digestLine is a digest with that of the index it came from.
func digestLine(r image.Resolved) string {
	if r.Index == "" {
		return string(r.Manifest)
	}
	return fmt.Sprintf("%s (from index %s)", r.Manifest, r.Index.Short())
}

// countsLine is the numbers of vulnerabilities in words.
func countsLine(c vuln.Counts) string {
	return fmt.Sprintf("%d critical, %d high, %d medium, %d low, %d negligible, %d unknown",
		c.Critical, c.High, c.Medium, c.Low, c.Negligible, c.Unknown)
}

// number is a count with its noun.
func number(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if strings.HasSuffix(one, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(one, "y"))
	}
	return fmt.Sprintf("%d %ss", n, one)
}
