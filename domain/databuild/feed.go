// Package databuild holds the state of the vulnerability data: which build is
// current, which one is on hold and why, and the moves from one to the next.
// Everything in it is pure.
package databuild

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// BuildState is what the store uses a build for.
type BuildState string

// The build states.
const (
	Current  BuildState = "current"  // findings are of this one
	Previous BuildState = "previous" // was current before
	// Held waits for a person to release it, or for what it is on hold for to pass.
	Held      BuildState = "held"
	Rejected  BuildState = "rejected"  // discarded by a person
	Withdrawn BuildState = "withdrawn" // taken back by the publisher
)

// Feed is the state of the vulnerability data. A build is described by
// vuln.Description.
type Feed struct {
	Current  *vuln.Description
	Previous *vuln.Description
	// Held is on hold; it may be the previous one, if the publisher went back.
	Held *vuln.Description
	// Reasons are why Held is on hold, HeldSince since when.
	Reasons   []string
	HeldSince time.Time
	// Matcher matched the findings that are stored.
	Matcher vuln.Matcher
	// Checked is when the source was last read successfully; Problem why the
	// last time failed, nil when it did not. Status is what its listing said last.
	Checked time.Time
	Problem *condition.Problem
	Status  vuln.Lifecycle
	// Conditions are what is wrong with the current data or its future, as found
	// when it was last checked.
	Conditions []condition.Condition
}

// WentBack reports whether the build on hold is the one before the current
// one, which the publisher lists again.
func (f Feed) WentBack() bool {
	return f.Held != nil && f.Previous != nil && f.Held.Checksum == f.Previous.Checksum
}
