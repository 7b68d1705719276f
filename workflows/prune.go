package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// Prune removes rows and documents that are older than the retention and no longer
// needed.
func Prune(ctx workflow.Context) (watch.Pruned, error) {
	return watched(ctx, PruneID, func(ctx workflow.Context) (watch.Pruned, error) {
		pruned, err := all(ctx, "remove what is no longer needed", Activities.Prune)
		if err == nil {
			workflow.SetCurrentDetails(ctx, prunedDetails(pruned))
		}
		return pruned, err
	})
}

func prunedDetails(pruned watch.Pruned) string {
	return fmt.Sprintf("### Removed\n\n%d images, %d package groups and %d notifications; %d deliveries were given up.\n",
		pruned.Images, pruned.Groups, pruned.Notifications, pruned.GivenUp)
}
