package activities

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/policy"
)

// ActivatePolicy makes a stored bundle the active one and reports whether that
// changed anything.
func (a *Activities) ActivatePolicy(ctx context.Context, request policy.Activation) (bool, error) {
	changed, err := a.Store.ActivateBundle(audit.As(ctx, request.By), request.Bundle, a.now())
	return changed, classify(err)
}
