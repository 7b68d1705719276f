package condition

import (
	"time"
)

// Problem is a failure that is known to users.
type Problem struct {
	Kind    string    `json:"kind"` // a name of package fault, "" for a passing one
	Stage   Stage     `json:"stage"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
}

// ProblemOf is how users see a condition.
func ProblemOf(c Condition) *Problem {
	return &Problem{Kind: c.ErrorKind, Stage: Stage(c.Step), Message: c.Message, Since: c.Since}
}

// Wrong is the problem as a check finds it; nil if there is none.
func (p *Problem) Wrong() *Found {
	if p == nil {
		return nil
	}
	return &Found{Step: string(p.Stage), ErrorKind: p.Kind, Message: p.Message, Since: p.Since}
}

// StepConditions are the kinds that steps of a workflow are found to have.
var StepConditions = []Kind{StepFails, Delayed}

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
