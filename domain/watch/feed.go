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
	Held     GenerationState = "held"     // waits for a person to release it
	Rejected GenerationState = "rejected" // discarded by a person
)

// Feed is the state of the vulnerability data. A generation is described by
// vuln.Description.
type Feed struct {
	Current  *vuln.Description
	Previous *vuln.Description
	Held     *vuln.Description
	// Reasons are why Held is held.
	Reasons []string
	// Engine matched the findings that are stored.
	Engine vuln.Engine
	// Checked is when the source was last asked successfully; Problem why the
	// last time failed, nil when it did not.
	Checked time.Time
	Problem *Problem
	// StaleSince is when the current data were found to be too old; zero while
	// they are not.
	StaleSince time.Time
}
