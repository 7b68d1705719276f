package watch

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// GenerationState is what the store uses a generation for.
type GenerationState string

// The generation states.
const (
	Current  GenerationState = "current"  // findings are of this one
	Previous GenerationState = "previous" // was current before
	// Held waits for a person to release it, or for what it is on hold for to pass.
	Held      GenerationState = "held"
	Rejected  GenerationState = "rejected"  // discarded by a person
	Withdrawn GenerationState = "withdrawn" // taken back by the publisher
)

// Feed is the state of the vulnerability data. A generation is described by
// vuln.Description.
type Feed struct {
	Current  *vuln.Description
	Previous *vuln.Description
	// Held is on hold; it may be the previous one, if the publisher went back.
	Held *vuln.Description
	// Reasons are why Held is on hold, HeldSince since when.
	Reasons   []string
	HeldSince time.Time
	// Engine matched the findings that are stored.
	Engine vuln.Engine
	// Checked is when the source was last read successfully; Problem why the
	// last time failed, nil when it did not. Status is what its listing said last.
	Checked time.Time
	Problem *Problem
	Status  vuln.Lifecycle
	// Conditions are what is wrong with the current data or its future, as found
	// when it was last checked; ConditionsChanged is when others were found than
	// before.
	Conditions        []vuln.Condition
	ConditionsChanged time.Time
}

// WentBack tells whether the generation on hold is the one before the current
// one, which the publisher lists again.
func (f Feed) WentBack() bool {
	return f.Held != nil && f.Previous != nil && f.Held.Checksum == f.Previous.Checksum
}
