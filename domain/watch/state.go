// Package watch decides what happened to a watched tag or repository: it
// compares what was last recorded with what is known now. Everything in it is
// pure; the store keeps the states and the workflows carry the decisions out.
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
}

// State is what was last recorded of a target. The zero value is a target that
// was never checked.
type State struct {
	// Revision counts the recorded changes; ids of notifications derive from it.
	Revision int64
	// Resolved is what the tag pointed to at the last successful check.
	Resolved image.Resolved
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
	Problem *Problem
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

// Problem is a failure that is known to users.
type Problem struct {
	Kind    string    `json:"kind"` // a name of package fault, "" for a passing one
	Stage   Stage     `json:"stage"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
}

// ProblemOf is how users see a condition.
func ProblemOf(c condition.Condition) *Problem {
	return &Problem{Kind: c.ErrorKind, Stage: Stage(c.Step), Message: c.Message, Since: c.Since}
}

// Wrong is the problem as a check finds it; nil if there is none.
func (p *Problem) Wrong() *condition.Found {
	if p == nil {
		return nil
	}
	return &condition.Found{Step: string(p.Stage), ErrorKind: p.Kind, Message: p.Message, Since: p.Since}
}

// StepConditions are the kinds that steps of a workflow are found to have.
var StepConditions = []condition.Kind{condition.StepFails, condition.Delayed}

// FailedImage is an image that has the problem, as policies see it; nil without a
// problem, or with one that is not the image's.
func (p *Problem) FailedImage(digest image.Digest) *policy.FailedImage {
	if p == nil || p.Stage != StageAnalyze && p.Stage != StageMatch {
		return nil
	}
	return &policy.FailedImage{Digest: digest, Reason: p.Message}
}

// Stage is the step of a pass that failed.
type Stage string

// The stages.
const (
	StageResolve  Stage = "resolve"
	StageAnalyze  Stage = "analyze"
	StageMatch    Stage = "match"
	StageEvaluate Stage = "evaluate"
	StageFetch    Stage = "fetch" // of vulnerability data
	// StageList is a list of tags that cannot be had from a registry that answers
	// otherwise; StageConfirm one that is too strange to be believed at once.
	StageList    Stage = "list"
	StageConfirm Stage = "confirm"
)
