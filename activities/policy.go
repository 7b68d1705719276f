package activities

import (
	"context"
)

// ActivatePolicy makes a stored bundle the active one and reports whether that
// changed anything.
func (a *Activities) ActivatePolicy(ctx context.Context, bundle string) (bool, error) {
	changed, err := a.Store.ActivateBundle(ctx, bundle, a.now())
	return changed, classify(err)
}
