package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watcher"
)

// Reconcile compares what the store says should run with what runs, and starts
// what is missing: the store is the truth, and Temporal's data can be lost. A
// watcher that nothing is asked of is woken, and ends by itself. It may be
// interrupted anywhere and run again.
func Reconcile(ctx workflow.Context, request watcher.ReconcileRequest) (watcher.Reconciled, error) {
	return watched(ctx, ReconcileID, func(ctx workflow.Context) (watcher.Reconciled, error) { return reconcile(ctx, request) })
}

func reconcile(ctx workflow.Context, request watcher.ReconcileRequest) (watcher.Reconciled, error) {
	result := watcher.Reconciled{DryRun: request.DryRun}
	if !request.DryRun {
		workflow.SetCurrentDetails(ctx, "### Preparing Temporal\n")
		if err := order(ctx, "restore search attributes and schedules", Activities.RestoreTemporal, request); err != nil {
			return result, err
		}
	}
	for _, kind := range watcher.Kinds {
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Comparing the %s watchers\n", kind))
		compared, err := call(ctx, bulk, fmt.Sprintf("compare the %s watchers", kind), Activities.CompareWatchers,
			watcher.CompareRequest{Kind: kind, DryRun: request.DryRun})
		if err != nil {
			return result, err
		}
		result.Watchers = append(result.Watchers, compared)
	}
	workflow.SetCurrentDetails(ctx, "### Comparing the deliveries\n")
	var err error
	result.Deliveries, err = call(ctx, bulk, "compare the deliveries", Activities.CompareDeliveries, request)
	workflow.SetCurrentDetails(ctx, reconciledDetails(result))
	return result, err
}

func reconciledDetails(result watcher.Reconciled) string {
	headline := "Everything runs that should"
	if !result.InOrder() {
		headline = "Put right"
		if result.DryRun {
			headline = "To be put right"
		}
	}
	details := fmt.Sprintf("### %s\n\n| watchers | wanted | missing | stray | without search attributes |\n|---|---|---|---|---|\n", headline)
	for _, c := range result.Watchers {
		details += fmt.Sprintf("| %s | %d | %d | %d | %d |\n", c.Kind, c.Wanted, c.Missing, c.Stray, c.Unlabeled)
	}
	return details + fmt.Sprintf("\nDeliveries: %d overdue, %d to endpoints that are gone.\n",
		result.Deliveries.Overdue, result.Deliveries.Undeliverable)
}
