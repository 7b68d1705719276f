package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// Prune deletes images that no tag has pointed to for the time of the retention, and
// notifications that old with nothing left to deliver; deliveries that an endpoint did not
// accept for that time are given up first. Its schedule starts it (see RunTask). Its step is
// repeated until it succeeds.
func Prune(ctx workflow.Context) (watch.Pruned, error) {
	return watched(ctx, PruneID, func(ctx workflow.Context) (watch.Pruned, error) {
		pruned, err := all(ctx, "delete old images and notifications", Activities.Prune)
		if err == nil {
			workflow.SetCurrentDetails(ctx, prunedDetails(pruned))
		}
		return pruned, err
	})
}

func prunedDetails(pruned watch.Pruned) string {
	return fmt.Sprintf("### Deleted\n\n%d images, %d package groups, %d notifications and %d entries of the audit trail; %d deliveries were given up.\n",
		pruned.Images, pruned.Groups, pruned.Notifications, pruned.Changes, pruned.GivenUp)
}
