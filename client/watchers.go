package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// watchers are the type and the prefix of the id of each kind of watcher. Named are the
// search attributes of what it watches.
var watchers = map[watcher.Kind]struct {
	workflow, prefix string
	named            []temporal.SearchAttributeKey
}{
	watcher.Tag:        {workflows.TypeWatchTag, workflows.PrefixTag, []temporal.SearchAttributeKey{workflows.AttributeRegistry, workflows.AttributeRepository, workflows.AttributeTag}},
	watcher.Registry:   {workflows.TypeWatchRegistry, workflows.PrefixRegistry, []temporal.SearchAttributeKey{workflows.AttributeRegistry}},
	watcher.Repository: {workflows.TypeWatchRepository, workflows.PrefixRepository, []temporal.SearchAttributeKey{workflows.AttributeRegistry, workflows.AttributeRepository}},
	watcher.Source:     {workflows.TypeFollowSource, workflows.PrefixSource, nil},
	watcher.Endpoint:   {workflows.TypeServeEndpoint, workflows.PrefixEndpoint, nil},
}

// outcomes are the search attributes of a tag's results.
var outcomes = []temporal.SearchAttributeKey{workflows.AttributeDigest, workflows.AttributePolicy, workflows.AttributeCritical, workflows.AttributeHigh, workflows.AttributeCoverage}

// runningPage is how many workflows Temporal lists at a time.
const runningPage = 1000

// Reconcile compares what should run with what runs. The result of the run is a
// watcher.Reconciled.
func (c Client) Reconcile(ctx context.Context, request watcher.ReconcileRequest) (Run, error) {
	return c.begin(ctx, workflows.TypeReconcile, workflows.ReconcileID, "Comparison of the running workflows with the database", request)
}

// Running are the running watchers of a kind, by name. Temporal's list lags behind a
// little.
func (c Client) Running(ctx context.Context, kind watcher.Kind) (map[string]watcher.Running, error) {
	query := fmt.Sprintf("WorkflowType = '%s' AND ExecutionStatus = 'Running'", watchers[kind].workflow)
	names := map[string]watcher.Running{}
	var token []byte
	for {
		page, err := c.Temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: query, PageSize: runningPage, NextPageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list the running %s watchers: %w", kind, err)
		}
		for _, execution := range page.GetExecutions() {
			if name, ours := strings.CutPrefix(execution.GetExecution().GetWorkflowId(), watchers[kind].prefix); ours {
				has := execution.GetSearchAttributes().GetIndexedFields()
				names[name] = watcher.Running{Named: hasAll(has, watchers[kind].named), Outcome: hasAll(has, outcomes)}
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return names, nil
		}
	}
}

func hasAll(fields map[string]*common.Payload, keys []temporal.SearchAttributeKey) bool {
	return !slices.ContainsFunc(keys, func(key temporal.SearchAttributeKey) bool { return fields[key.GetName()] == nil })
}

// Runs reports whether that watcher runs now.
func (c Client) Runs(ctx context.Context, kind watcher.Kind, name string) (bool, error) {
	id := watchers[kind].prefix + name
	described, err := c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("check whether %s runs: %w", id, err)
	}
	return described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, nil
}
