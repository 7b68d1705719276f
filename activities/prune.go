package activities

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// retentionStore removes what nobody will ask for any more.
type retentionStore interface {
	Prune(ctx context.Context, before, now time.Time) (watch.Pruned, error)
	PruneAudit(ctx context.Context, before time.Time) (removed int64, err error)
}

// Prune removes images that no tag has pointed to for the time of retention, and
// notifications that old with nothing left to deliver. What could not be delivered
// for that time is given up first, and kept as long again. The audit trail has a time of its own.
func (a *Activities) Prune(ctx context.Context) (watch.Pruned, error) {
	defer heartbeat(ctx, func() any { return "removing" })()
	pruned, err := a.Store.Prune(ctx, a.now().Add(-a.Retention), a.now())
	if pruned.GivenUp > 0 {
		a.Log.WarnContext(ctx, "deliveries given up long after their time; see tagwatch deliveries --failed", "deliveries", pruned.GivenUp)
	}
	if err == nil {
		err = a.announceAllGivenUp(ctx)
	}
	if err == nil && a.AuditRetention > 0 {
		pruned.Changes, err = a.Store.PruneAudit(ctx, a.now().Add(-a.AuditRetention))
	}
	return pruned, classify(err)
}
