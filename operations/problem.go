package operations

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
)

// Problem is why something fails.
type Problem struct {
	Kind    string          `json:"kind,omitempty"`
	Stage   condition.Stage `json:"stage"`
	Message string          `json:"message"`
	Since   time.Time       `json:"since"`
}

// ProblemOf is nil for nil.
func ProblemOf(p *condition.Problem) *Problem {
	if p == nil {
		return nil
	}
	return &Problem{p.Kind, p.Stage, p.Message, p.Since}
}
