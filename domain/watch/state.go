// Package watch decides what happened to a watched tag: it compares what was last
// recorded with what is known now. Everything in it is pure; the store keeps the
// states and the workflows carry the decisions out.
package watch

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Basis is what an outcome was made from, beside the image.
type Basis struct {
	Build    string       // of the vulnerability data; "" without any
	Matcher  vuln.Matcher // that matched
	Bundle   string       // hash of the active policy bundle; "" without any
	Analyzer string       // version and configuration of the analyzer
	// Acceptances is the acceptance.Key of those that are for the tag and name a
	// vulnerability of the image.
	Acceptances string
}

// State is what was last recorded of a target. The zero value is a target that
// was never checked.
type State struct {
	// Revision counts the recorded changes; ids of notifications derive from it.
	Revision int64
	// Resolved is what the tag pointed to at the last successful check.
	Resolved image.Resolved
	// Since is when it was first seen to point to the image; zero if that is not known.
	Since time.Time
	// Analyzed is the newest image of the tag that could be analyzed; the lists
	// below are about it. Empty before the first analysis.
	Analyzed image.Digest
	// Pending is since when the image that the tag points to waits to be analyzed
	// and matched; zero while Analyzed is that image, and when it cannot be.
	Pending time.Time
	Basis   Basis
	// Matched reports that Vulnerabilities is a list, if an empty one; before that
	// nothing is known of them.
	Matched         bool
	Vulnerabilities []vuln.Finding
	Counts          vuln.Counts
	// Coverage reports what the absence of vulnerabilities means.
	Coverage vuln.Coverage
	// Evaluation is the last outcome of the policies; nil before the first.
	Evaluation *Evaluation
	// Problem is why the image that the tag points to could not be analyzed, matched or
	// evaluated; nil when it could.
	Problem *condition.Problem
	Checked time.Time // last pass that checked the registry successfully
	Changed time.Time // last recorded change
	// Next is when time alone can change the outcome; zero for never.
	Next time.Time
}

// Evaluation is an outcome of the policies as it was recorded.
type Evaluation struct {
	Digest      image.Digest  `json:"digest"`
	Bundle      string        `json:"bundle"` // hash
	Status      policy.Status `json:"status"`
	FinalAction policy.Action `json:"final_action"`
	// Document is Anchore's result document without the bundle, which is kept
	// once by its hash.
	Document []byte `json:"document"`
}

// FailedImage is an image that has the problem, as policies see it; nil without a
// problem, or with one that is not the image's.
func FailedImage(p *condition.Problem, digest image.Digest) *policy.FailedImage {
	if p == nil || p.Stage != condition.StageAnalyze && p.Stage != condition.StageMatch {
		return nil
	}
	return &policy.FailedImage{Digest: digest, Reason: p.Message}
}
