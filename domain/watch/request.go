package watch

import (
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
)

// RecordRequest asks to record the outcome of a pass.
type RecordRequest struct {
	Target   image.Target
	Resolved image.Resolved
	// Problem is why the image cannot be analyzed or matched; nil when it is, or
	// when that is still to be done.
	Problem *condition.Problem
}

// Reevaluated is how far a new bundle was evaluated for all tags.
type Reevaluated struct {
	// After is the text of the last tag.
	After string
	// Evaluated tags need nothing more; the watchers of Woken ones go on.
	Evaluated, Woken int
	// Rest reports that all other tags are to be evaluated too: the data's age can
	// bring any of them to another outcome.
	Rest bool
}
