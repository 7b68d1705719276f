package watch

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// CountsAt is how many vulnerabilities a target had from a moment on.
type CountsAt struct {
	At     time.Time
	Counts vuln.Counts
}

// OverviewFilter selects and orders targets for people; zero fields select all.
type OverviewFilter struct {
	// Text is a part of the target's text.
	Text string
	// Status is pass or fail; "none" selects targets that were not evaluated.
	Status string
	// Failing selects targets that cannot be followed.
	Failing bool
	// Uncovered selects targets of a distribution that the data does not cover.
	Uncovered bool
	// Registry, Repository and Source select targets of one; "" for any. A source selects
	// what it brings.
	Registry, Repository, Source string
	// Among are the texts of the targets that may be selected; nil for all.
	Among []string
	Order OverviewOrder
	// After and Before are the text of the target that precedes the page, or that follows
	// it; "" for the first page.
	After, Before string
	Limit         int // zero for 1,000
}

// NotEvaluated is the Status of a OverviewFilter for targets without an outcome.
const NotEvaluated = "none"

// OverviewOrder is what comes first.
type OverviewOrder string

// The orders. Equal targets are in order of their text.
const (
	ByName     OverviewOrder = ""         // of their text
	BySeverity OverviewOrder = "severity" // most critical vulnerabilities, then high ones, and so on
	ByChange   OverviewOrder = "change"   // changed last
)
