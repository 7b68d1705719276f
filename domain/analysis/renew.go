package analysis

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// AnalyzerSeen reports when workers with an analyzer were first and last at work.
type AnalyzerSeen struct {
	Analyzer    string
	First, Last time.Time
}

// LeadAnalyzer decides whose inventories the known images are to have while
// workers of two versions or settings are at work, as Lead does for matchers. It
// is "" when no worker that analyzes is present.
func LeadAnalyzer(analyzers []AnalyzerSeen, now time.Time) string {
	seen := make([]databuild.MatcherSeen, len(analyzers))
	for i, a := range analyzers {
		seen[i] = databuild.MatcherSeen{Matcher: vuln.Matcher(a.Analyzer), First: a.First, Last: a.Last}
	}
	return string(databuild.Lead(seen, now))
}

// RenewalRequest asks which image another analyzer than the leading one analyzed.
type RenewalRequest struct {
	// Analyzer is the one that led at the last request; when another does now,
	// After does not count.
	Analyzer string
	// After is the number of the image that was last dealt with.
	After int64
}

// Renewal is an image to be analyzed again.
type Renewal struct {
	// Analyzer leads, and is to analyze it.
	Analyzer string
	// Number is the image's in the order of renewal; 0 when no image is left.
	Number int64
	Digest image.Digest
	// Target is a tag under which the image can be pulled.
	Target image.Target
	// Older reports that no tag points to the image any more, and workloads of the target
	// run it: then no tag's workflow matches it.
	Older bool
	// Left is how many images are to be renewed, with this one.
	Left int
	// Pause is the time from the beginning of one renewal to that of the next;
	// zero when renewals are off.
	Pause time.Duration
	// Problem is why the image need not be asked for now: its registry does not
	// let it be had.
	Problem *condition.Problem
}

// RenewalBacklog counts the images that another analyzer than the leading one
// analyzed.
type RenewalBacklog struct {
	Due   int // wait for their turn
	Later int // could not be had, and are tried again
	Never int // could not be had, and are not tried until the analyzer changes
}

// RenewalEnd is what came of the renewal of an image.
type RenewalEnd struct {
	Analyzer string
	Digest   image.Digest
	// Problem is why the image was not analyzed; nil when it was, or when nobody
	// answered in time.
	Problem *condition.Problem
}

// renewalTries is how often an analyzer tries an image that cannot be had.
const renewalTries = 5

// NextRenewal tells after how many failures an image is renewed again, and when.
// What trying again can hardly help is tried a few times, in ever longer
// intervals that outlast a day; a registry that does not answer counts for
// nothing. Never is the zero time.
func NextRenewal(failures int, problem *condition.Problem, now time.Time) (counted int, next time.Time) {
	if kind := errkind.ByName(problem.Kind); kind == nil || !errkind.Permanent(kind) {
		return failures, now.Add(time.Hour)
	}
	failures++
	if failures >= renewalTries {
		return failures, time.Time{}
	}
	return failures, now.Add(time.Hour << failures)
}
