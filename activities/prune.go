package activities

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// retentionStore removes what nobody will ask for any more.
type retentionStore interface {
	Prune(ctx context.Context, before, now time.Time) (watch.Pruned, error)
}

// Prune removes images that no tag has pointed to for the time of retention, and
// notifications that old with nothing left to deliver. What could not be delivered
// for that time is given up first, and kept as long again.
func (a *Activities) Prune(ctx context.Context) (watch.Pruned, error) {
	defer heartbeat(ctx, func() any { return "removing" })()
	pruned, err := a.Store.Prune(ctx, a.now().Add(-a.Retention), a.now())
	if pruned.GivenUp > 0 {
		a.Log.WarnContext(ctx, "deliveries given up long after their time; see tagwatch deliveries --failed", "deliveries", pruned.GivenUp)
	}
	if err == nil {
		err = a.announceAllGivenUp(ctx)
	}
	return pruned, classify(err)
}
