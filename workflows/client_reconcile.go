package workflows

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// watchers are the type and the beginning of the id of each kind of watcher.
var watchers = map[watch.WatcherKind]struct{ workflow, prefix string }{
	watch.TagWatcher:        {TypeWatchTag, watchTag},
	watch.RegistryWatcher:   {TypeWatchRegistry, watchRegistry},
	watch.RepositoryWatcher: {TypeWatchRepository, watchRepository},
	watch.EndpointWatcher:   {TypeServeEndpoint, serveEndpoint},
}

// runningPage is how many workflows Temporal lists at a time.
const runningPage = 1000

// Reconcile compares what should run with what runs, and waits for the outcome.
func (c Client) Reconcile(ctx context.Context, request watch.ReconcileRequest) (result watch.Reconciled, err error) {
	err = c.execute(ctx, options(ReconcileID, "Comparison of the store with what runs"), Reconcile, request, &result)
	return result, err
}

// Running are the names of the watchers of a kind that run, as Temporal lists
// them: it lags behind by moments.
func (c Client) Running(ctx context.Context, kind watch.WatcherKind) (map[string]bool, error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", watchers[kind].workflow)
	names := map[string]bool{}
	var token []byte
	for {
		page, err := c.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: query, PageSize: runningPage, NextPageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list the %s watchers that run: %w", kind, err)
		}
		for _, execution := range page.GetExecutions() {
			if name, ours := strings.CutPrefix(execution.GetExecution().GetWorkflowId(), watchers[kind].prefix); ours {
				names[name] = true
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return names, nil
		}
	}
}

// Runs tells whether that watcher runs now.
func (c Client) Runs(ctx context.Context, kind watch.WatcherKind, name string) (bool, error) {
	id := watchers[kind].prefix + name
	described, err := c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether %s runs: %w", id, err)
	}
	return described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}
