package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
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

// Reconcile compares what should run with what runs, at once: beside another comparison, it
// does no harm. The result of the run is a watcher.Reconciled.
func (c Client) Reconcile(ctx context.Context, request watcher.ReconcileRequest) (Run, error) {
	options := options(workflows.TypeReconcile, workflows.ReconcileID+":"+uuid.NewString(), "Comparison of the running workflows with the database")
	return runOf(c.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeReconcile, request))
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

// Runs reports whether that watcher runs now, and goes on: one that was canceled is about to
// end.
func (c Client) Runs(ctx context.Context, kind watcher.Kind, name string) (bool, error) {
	run, canceled, err := c.running(ctx, watchers[kind].prefix+name)
	return run != "" && !canceled, err
}

// running is the run of a workflow that has not ended, and whether it was canceled; "" for none.
func (c Client) running(ctx context.Context, id string) (run string, canceled bool, err error) {
	described, err := c.Temporal.DescribeWorkflowExecution(ctx, id, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("check whether %s runs: %w", id, err)
	}
	info := described.GetWorkflowExecutionInfo()
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return "", false, nil
	}
	return info.GetExecution().GetRunId(), described.GetWorkflowExtendedInfo().GetCancelRequested(), nil
}

// ending is how long a canceled workflow may take to end. It does at its next task, unless no
// worker takes that.
const ending = 10 * time.Second

// ends reports whether a workflow that was canceled has ended, after a moment if need be. It
// is false for one that was not canceled.
func (c Client) ends(ctx context.Context, id string) (bool, error) {
	run, canceled, err := c.running(ctx, id)
	if err != nil || !canceled {
		return false, err
	}
	waiting, cancel := context.WithTimeout(ctx, ending)
	defer cancel()
	_ = c.Temporal.GetWorkflow(waiting, id, run).Get(waiting, nil) // how it ended does not matter
	if waiting.Err() != nil {
		return false, ctx.Err()
	}
	return true, nil
}
