package vuln

import (
	"fmt"
	"time"
)

// Limits are how far a new build may differ from the current one before a person has to
// check it.
type Limits struct {
	Shrink float64 // largest share of a count that may vanish, as in 0.1
	Grow   float64 // largest factor by which a count may grow, as in 3
	Floor  int     // counts below this say nothing either way
}

// DefaultLimits accept the changes of ordinary weeks.
var DefaultLimits = Limits{Shrink: 0.1, Grow: 3, Floor: 100}

// HoldKind is why a build is on hold.
type HoldKind string

// The kinds.
const (
	HoldOlder     HoldKind = "older"
	HoldFuture    HoldKind = "future"
	HoldWithdrawn HoldKind = "withdrawn"
	HoldSchema    HoldKind = "schema"
	HoldProvider  HoldKind = "provider"
	HoldCount     HoldKind = "count"
)

// HoldReason is a reason to put a build on hold.
type HoldReason struct {
	Kind     HoldKind
	Provider string // "" if it concerns the whole
	Text     string // for people
}

// clockSkew is how far a publisher's clock may be ahead of ours.
const clockSkew = 10 * time.Minute

func ahead(t, now time.Time) bool { return t.After(now.Add(clockSkew)) }

// Judge returns why the next build should be put on hold; none if it can replace the
// previous one. Without a previous one, the next one is judged by itself.
func Judge(previous, next Description, limits Limits, now time.Time) []HoldReason {
	reasons := judgeAlone(next, now)
	if previous.Checksum == "" {
		if !next.holdsRecords() {
			reasons = append(reasons, HoldReason{Kind: HoldCount, Text: "it holds no vulnerabilities"})
		}
		return reasons
	}
	older := false
	// A build from the future must not put the real ones after it on hold.
	if !ahead(previous.Built, now) && next.Built.Before(previous.Built) {
		older = true
		reasons = append(reasons, HoldReason{Kind: HoldOlder,
			Text: fmt.Sprintf("built %s, before the current data of %s", instant(next.Built), instant(previous.Built))})
	}
	for _, p := range previous.Providers {
		reasons = append(reasons, limits.judgeProvider(p, next)...)
		if reason, back := wentBack(p, next, now); back && !older {
			reasons = append(reasons, reason)
		}
	}
	return append(reasons, limits.judgeTotals(previous, next)...)
}

func judgeAlone(next Description, now time.Time) []HoldReason {
	var reasons []HoldReason
	if next.Newer {
		reasons = append(reasons, HoldReason{Kind: HoldSchema,
			Text: fmt.Sprintf("schema %s is newer than this version supports: update Tagwatch, or release the data", next.Schema)})
	}
	if ahead(next.Built, now) {
		reasons = append(reasons, HoldReason{Kind: HoldFuture,
			Text: fmt.Sprintf("built %s, which is in the future: check the publisher's clock and the clock of the workers", instant(next.Built))})
	}
	return reasons
}

// wentBack judges the date of one provider's data: older data would look as if
// vulnerabilities had been fixed.
func wentBack(previous ProviderState, next Description, now time.Time) (HoldReason, bool) {
	current, ok := next.Provider(previous.Name)
	if !ok || current.Captured.IsZero() || ahead(previous.Captured, now) || previous.Captured.Sub(current.Captured) <= providerLag {
		return HoldReason{}, false
	}
	return HoldReason{HoldProvider, previous.Name, fmt.Sprintf("provider %s went back: its data is of %s, in the current data it is of %s",
		previous.Name, instant(current.Captured), instant(previous.Captured))}, true
}

func (l Limits) judgeProvider(previous ProviderState, next Description) []HoldReason {
	current, ok := next.Provider(previous.Name)
	if !ok {
		return []HoldReason{{Kind: HoldProvider, Provider: previous.Name,
			Text: fmt.Sprintf("provider %s is gone (records: %d)", previous.Name, previous.Records)}}
	}
	if _, decorating := next.Totals.Of(previous.Name); decorating {
		return nil // judgeTotals judges its rows
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

func (l Limits) judgeTotals(previous, next Description) []HoldReason {
	var reasons []HoldReason
	for _, total := range totals {
		_, had := previous.Provider(total.provider)
		if _, has := next.Provider(total.provider); had && !has {
			continue // judgeProvider says that it is gone
		}
		if text := l.judgeCount(total.count(previous.Totals), total.count(next.Totals)); text != "" {
			reasons = append(reasons, HoldReason{Kind: HoldCount, Provider: total.provider, Text: total.name + " " + text})
		}
	}
	return reasons
}

// judgeCount describes a count outside of the limits; "" for one within.
func (l Limits) judgeCount(before, after int) string {
	switch {
	case before > 0 && after == 0:
		return fmt.Sprintf("fell from %d to 0", before)
	case before >= l.Floor && float64(after) < float64(before)*(1-l.Shrink):
		return fmt.Sprintf("fell from %d to %d", before, after)
	case after >= l.Floor && before > 0 && float64(after) > float64(before)*l.Grow:
		return fmt.Sprintf("rose from %d to %d", before, after)
	default:
		return ""
	}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// withdrawalPeriod is how long a publisher must list the former build before it is used.
// Caches and mirrors lag behind by minutes or hours; following them would report
// vulnerabilities as gone and new again.
const withdrawalPeriod = 6 * time.Hour

// Withdrawal judges a publisher that has listed the build before the current one since a
// given time: it withdrew the current one, or the listing is a stale copy or a replay. The
// reason puts the former build on hold; due reports that it was listed for long enough.
//
// Using it is safe. It was verified and in use before, it is never more than one build
// back, and an attacker who can replay its listing could have concealed the current one:
// either way, the age of the data in use is judged by its own dates.
func Withdrawal(current, former Description, since, now time.Time) (reason HoldReason, due bool) {
	taken := since.Add(withdrawalPeriod)
	return HoldReason{Kind: HoldWithdrawn, Text: fmt.Sprintf(
		"the publisher went back from the current data of %s to the former of %s: it is used from %s on if the publisher still lists it then",
		instant(current.Built), instant(former.Built), instant(taken))}, !now.Before(taken)
}
