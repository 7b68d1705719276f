package vuln

import (
	"fmt"
	"time"
)

// Limits bound how far a new generation may differ from the current one before
// a person has to look at it.
type Limits struct {
	Shrink float64 // largest share of a count that may vanish, as in 0.1
	Grow   float64 // largest factor by which a count may grow, as in 3
	Floor  int     // counts below this say nothing either way
}

// DefaultLimits let pass what publishers' data do in ordinary weeks.
var DefaultLimits = Limits{Shrink: 0.1, Grow: 3, Floor: 100}

// HoldKind names why a generation is held.
type HoldKind string

// The kinds.
const (
	HoldOlder    HoldKind = "older"
	HoldSchema   HoldKind = "schema"
	HoldProvider HoldKind = "provider"
	HoldCount    HoldKind = "count"
)

// HoldReason is one reason not to use a generation without being told to.
type HoldReason struct {
	Kind     HoldKind
	Provider string // "" if it concerns the whole
	Text     string // for people
}

// Judge returns why the next generation should be held; none means that it can
// take the place of the previous one. Without a previous one, only what the next
// one is by itself counts.
func Judge(previous, next Description, limits Limits) []HoldReason {
	var reasons []HoldReason
	if next.Newer {
		reasons = append(reasons, HoldReason{Kind: HoldSchema,
			Text: fmt.Sprintf("schema %s is newer than this version knows: update Tagwatch, or release the data", next.Schema)})
	}
	if previous.Checksum == "" {
		return reasons
	}
	if next.Built.Before(previous.Built) {
		reasons = append(reasons, HoldReason{Kind: HoldOlder,
			Text: fmt.Sprintf("built %s, before the current data of %s", instant(next.Built), instant(previous.Built))})
	}
	for _, p := range previous.Providers {
		reasons = append(reasons, limits.judgeProvider(p, next)...)
	}
	return append(reasons, limits.judgeTotals(previous.Totals, next.Totals)...)
}

func (l Limits) judgeProvider(previous ProviderState, next Description) []HoldReason {
	current, ok := next.Provider(previous.Name)
	if !ok {
		return []HoldReason{{Kind: HoldProvider, Provider: previous.Name,
			Text: fmt.Sprintf("provider %s is gone, which had %d records", previous.Name, previous.Records)}}
	}
	var reasons []HoldReason
	if text := l.judgeCount(previous.Records, current.Records); text != "" {
		reasons = append(reasons, HoldReason{HoldCount, previous.Name, fmt.Sprintf("provider %s: records %s", previous.Name, text)})
	}
	if text := l.judgeCount(previous.Rows, current.Rows); text != "" {
		reasons = append(reasons, HoldReason{HoldCount, previous.Name, fmt.Sprintf("provider %s: rows about packages %s", previous.Name, text)})
	}
	return reasons
}

func (l Limits) judgeTotals(previous, next Totals) []HoldReason {
	var reasons []HoldReason
	for _, count := range []struct {
		name         string
		before, then int
	}{
		{"known exploited vulnerabilities", previous.KnownExploited, next.KnownExploited},
		{"EPSS scores", previous.Exploitability, next.Exploitability},
		{"weaknesses", previous.Weaknesses, next.Weaknesses},
	} {
		if text := l.judgeCount(count.before, count.then); text != "" {
			reasons = append(reasons, HoldReason{Kind: HoldCount, Text: count.name + " " + text})
		}
	}
	return reasons
}

// judgeCount describes a count out of bounds; "" for one within.
func (l Limits) judgeCount(before, after int) string {
	switch {
	case before >= l.Floor && float64(after) < float64(before)*(1-l.Shrink):
		return fmt.Sprintf("fell from %d to %d", before, after)
	case after >= l.Floor && before > 0 && float64(after) > float64(before)*l.Grow:
		return fmt.Sprintf("rose from %d to %d", before, after)
	default:
		return ""
	}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
