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
