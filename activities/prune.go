package activities

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// retentionStore removes what nobody will ask for any more.
type retentionStore interface {
	Prune(ctx context.Context, before time.Time) (watch.Pruned, error)
}

// Prune removes images that no tag has pointed to for the time of retention, and
// notifications that old with nothing left to deliver.
func (a *Activities) Prune(ctx context.Context) (watch.Pruned, error) {
	defer heartbeat(ctx, func() any { return "removing" })()
	pruned, err := a.Store.Prune(ctx, a.now().Add(-a.Retention))
	return pruned, classify(err)
}
