package output

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// Problem is why something fails.
type Problem struct {
	Kind    string      `json:"kind,omitempty"`
	Stage   watch.Stage `json:"stage"`
	Message string      `json:"message"`
	Since   time.Time   `json:"since"`
}

func ProblemOf(p *watch.Problem) *Problem {
	if p == nil {
		return nil
	}
	return &Problem{p.Kind, p.Stage, p.Message, p.Since}
}
