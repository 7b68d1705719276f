// Package analysis holds what passes between those that need an image analyzed, the
// workers that analyze, and the schedule by which a newer analyzer renews what an
// older one found. Everything in it is pure.
package analysis

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Image is what the store knows of an image without its documents.
type Image struct {
	Digest   image.Digest
	ImageID  string
	Analyzer string // that made the inventory or failed
	// Problem is why the image cannot be analyzed; nil when it is.
	Problem         *condition.Problem
	Analyzed        time.Time
	Packages, Files int
}

// Request asks for the analysis of an image, as seen by one watcher.
type Request struct {
	Target image.Target // under which the image can be pulled
	Digest image.Digest
	// Watcher is the id of the workflow to tell when the analysis is done.
	Watcher string
	// Again analyzes also what was analyzed or could not be.
	Force   bool
	Urgency Urgency
}

// Urgency orders the analyses that wait for a worker.
type Urgency int

// Result is the outcome of analyzing one image.
type Result struct {
	Digest image.Digest
	// Packages and Files are counts.
	Packages, Files int
	// Problem is set for an image that cannot be analyzed; it stays until the
	// analyzer changes or a rescan is asked for.
	Problem *condition.Problem
}

const (
	// UrgentMoved is for a tag that points to another image than before: what is
	// known of it is out of date.
	UrgentMoved Urgency = iota
	// UrgentFirst is for a tag of which nothing is known yet.
	UrgentFirst
	// NotUrgent is for an image that is known: a newer analyzer checks it again.
	NotUrgent
)
