package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watcher"
)

// Reconcile compares the watchers that the store needs with those that run: the store is
// the truth, and Temporal's data can be lost. Its schedule starts it (see RunTask), and the
// command line, beside whatever run there is.
//
// Its steps, each repeated until it succeeds: restore lost search attributes and schedules;
// for each kind of watcher start the missing ones, and wake those that nothing needs, which
// then end; wake the endpoints with overdue deliveries, and fail the deliveries to deleted
// endpoints. A dry run only counts. It may be interrupted anywhere and run again. It never
// terminates or cancels a workflow.
func Reconcile(ctx workflow.Context, request watcher.ReconcileRequest) (watcher.Reconciled, error) {
	return watched(ctx, ReconcileID, func(ctx workflow.Context) (watcher.Reconciled, error) { return reconcile(ctx, request) })
}

func reconcile(ctx workflow.Context, request watcher.ReconcileRequest) (watcher.Reconciled, error) {
	result := watcher.Reconciled{DryRun: request.DryRun}
	if !request.DryRun {
		workflow.SetCurrentDetails(ctx, "### Restoring search attributes and schedules\n")
		if err := order(ctx, "restore search attributes and schedules", Activities.RestoreTemporal, request); err != nil {
			return result, err
		}
	}
	for _, kind := range watcher.Kinds {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Comparing the workflows of each %s with the database\n", kind))
		compared, err := call(ctx, bulk, fmt.Sprintf("compare the workflows of each %s with the database", kind), Activities.CompareWatchers,
			watcher.CompareRequest{Kind: kind, DryRun: request.DryRun})
		if err != nil {
			return result, err
		}
		result.Watchers = append(result.Watchers, compared)
	}
	workflow.SetCurrentDetails(ctx, "### Looking for overdue and undeliverable deliveries\n")
	var err error
	result.Deliveries, err = call(ctx, bulk, "find overdue and undeliverable deliveries", Activities.CompareDeliveries, request)
	workflow.SetCurrentDetails(ctx, reconciledDetails(result))
	return result, err
}

func reconciledDetails(result watcher.Reconciled) string {
	headline := "Everything that should run does"
	if !result.InOrder() {
		headline = "Corrected"
		if result.DryRun {
			headline = "To be corrected (dry run)"
		}
	}
	details := fmt.Sprintf("### %s\n\n| workflows of | needed | did not run | ran, not needed | without search attributes |\n|---|---|---|---|---|\n", headline)
	for _, c := range result.Watchers {
		details += fmt.Sprintf("| %s | %d | %d | %d | %d |\n", c.Kind, c.Wanted, c.Missing, c.Stray, c.Unlabeled)
	}
	return details + fmt.Sprintf("\nDeliveries: %d overdue, %d to deleted endpoints.\n",
		result.Deliveries.Overdue, result.Deliveries.Undeliverable)
}
