package operations

import (
	"context"
	"net/http"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// Reconcile starts the workflows that are missing, and ends those that are not needed.
var Reconcile = Operation[ReconcileRequest, Task]{Name: "reconcile", Summary: "Compare the running workflows with those that should run, and start missing ones",
	Method: http.MethodPost, Path: "/reconciliations", Scope: token.Admin, Whole: true, Accepted: true, do: reconcile}

// ReconcileRequest asks for a comparison.
type ReconcileRequest struct {
	DryRun bool `json:"dry_run,omitempty" doc:"Compare only, change nothing."`
}

// Reconciliation is the result of a comparison.
type Reconciliation struct {
	DryRun bool `json:"dry_run"`
	// InOrder reports that there was nothing to repair.
	InOrder       bool               `json:"in_order"`
	Watchers      []ComparedWatchers `json:"watchers"`
	Overdue       int                `json:"deliveries_overdue"`
	Undeliverable int                `json:"deliveries_undeliverable"`
}

// ComparedWatchers is the result for one kind of workflow.
type ComparedWatchers struct {
	Kind    watcher.Kind `json:"kind"`
	Wanted  int          `json:"wanted"`
	Missing int          `json:"missing"`
	Stray   int          `json:"stray"`
	// Unlabeled ones ran without some of their search attributes.
	Unlabeled int `json:"unlabeled"`
	// The first names of each.
	MissingNames []string `json:"missing_names"`
	StrayNames   []string `json:"stray_names"`
}

func reconcile(ctx context.Context, s *System, request ReconcileRequest) (Task, error) {
	return s.begin(ctx, "compare the running workflows", func(ctx context.Context, c client.Client) (client.Run, error) {
		return c.Reconcile(ctx, watcher.ReconcileRequest{DryRun: request.DryRun})
	})
}

func readReconciliation(await func(any) error) (TaskResult, error) {
	var result watcher.Reconciled
	if err := await(&result); err != nil {
		return TaskResult{}, err
	}
	r := Reconciliation{DryRun: result.DryRun, InOrder: result.InOrder(), Watchers: []ComparedWatchers{},
		Overdue: result.Deliveries.Overdue, Undeliverable: result.Deliveries.Undeliverable}
	for _, c := range result.Watchers {
		r.Watchers = append(r.Watchers, ComparedWatchers{c.Kind, c.Wanted, c.Missing, c.Stray, c.Unlabeled,
			append([]string{}, c.MissingNames...), append([]string{}, c.StrayNames...)})
	}
	return TaskResult{Reconciliation: &r}, nil
}
