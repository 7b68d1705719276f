package activities

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// ActivatePolicy makes a stored bundle the active one and reports whether that
// changed anything.
func (a *Activities) ActivatePolicy(ctx context.Context, bundle string) (bool, error) {
	changed, err := a.Store.ActivateBundle(ctx, bundle, a.now())
	return changed, classify(err)
}

// WakeAll wakes every watcher and returns how many.
func (a *Activities) WakeAll(ctx context.Context) (int, error) {
	woken, err := a.fanOut(ctx, subscription.TargetFilter{}, watcher.WakeOutdated)
	return woken, classify(err)
}
