package client

import (
	"context"
	"errors"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	sdkerror "go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/workflows"
)

// Run is one run of a workflow that takes long, by the ids that Temporal gives it.
type Run struct{ Workflow, ID string }

// begin starts a workflow of which there is one run at a time. If one is under way, it waits
// for its end first.
func (c Client) begin(ctx context.Context, workflowType, id, summary string, arguments ...any) (Run, error) {
	options := options(workflowType, id, summary)
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	for {
		run, err := c.Temporal.ExecuteWorkflow(ctx, options, workflowType, arguments...)
		if !sdkerror.IsWorkflowExecutionAlreadyStartedError(err) {
			return runOf(run, err)
		}
		// Its result does not matter here, only that it has ended.
		_ = c.Temporal.GetWorkflow(ctx, id, "").Get(ctx, nil)
		if ctx.Err() != nil {
			return Run{}, ctx.Err()
		}
	}
}

func runOf(run temporal.WorkflowRun, err error) (Run, error) {
	if err != nil {
		return Run{}, workflows.Restore(err)
	}
	return Run{run.GetID(), run.GetRunID()}, nil
}

// Await waits for the end of a run, and reads its result.
func (c Client) Await(ctx context.Context, run Run, result any) error {
	err := c.Temporal.GetWorkflow(ctx, run.Workflow, run.ID).Get(ctx, result)
	if _, ended := errors.AsType[*sdkerror.TerminatedError](err); ended {
		return errors.New("somebody terminated the workflow in Temporal")
	}
	if _, ended := errors.AsType[*sdkerror.CanceledError](err); ended {
		return errors.New("somebody canceled the workflow in Temporal")
	}
	return workflows.Restore(err)
}

// Progress is how far a run is.
type Progress struct {
	// Ended reports that the run has ended: Await returns at once.
	Ended bool
	// Waiting reports that no worker has taken the next step.
	Waiting bool
	// Step is what the run is at; empty if it is about to begin with something.
	Step string
}

// Progress describes a run; the error is errkind.NotFound for one that Temporal does not
// have, or no longer.
func (c Client) Progress(ctx context.Context, run Run) (Progress, error) {
	described, err := c.describe(ctx, run)
	if err != nil {
		return Progress{}, workflows.Restore(err)
	}
	info := described.GetWorkflowExecutionInfo()
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return Progress{Ended: true}, nil
	}
	if Idle(described) {
		return Progress{Waiting: true}, nil
	}
	if children := described.GetPendingChildren(); len(children) > 0 {
		progress, err := c.Progress(ctx, Run{children[0].GetWorkflowId(), children[0].GetRunId()})
		progress.Ended = false
		return progress, err
	}
	pending, detail := PendingDetail(described)
	if !pending {
		return Progress{}, nil
	}
	execution := info.GetExecution()
	return Progress{Step: Phrase(c.headline(ctx, Run{execution.GetWorkflowId(), execution.GetRunId()}), detail)}, nil
}

// describe describes a run, or the one that continues it.
func (c Client) describe(ctx context.Context, run Run) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	for {
		described, err := c.Temporal.DescribeWorkflowExecution(ctx, run.Workflow, run.ID)
		if err != nil || described.GetWorkflowExecutionInfo().GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW {
			return described, err
		}
		last, err := c.Temporal.GetWorkflowHistory(ctx, run.Workflow, run.ID, false, enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT).Next()
		if err != nil {
			return nil, err
		}
		run.ID = last.GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
	}
}

// headlineTimeout is how long a worker may take to show the current details: without them
// the step has no headline.
const headlineTimeout = time.Second

// headline is the title of the workflow's current details; empty if it cannot be read.
func (c Client) headline(ctx context.Context, run Run) string {
	ctx, cancel := context.WithTimeout(ctx, headlineTimeout)
	defer cancel()
	answer, err := c.Temporal.QueryWorkflow(ctx, run.Workflow, run.ID, "__temporal_workflow_metadata")
	if err != nil {
		return ""
	}
	var metadata sdk.WorkflowMetadata
	if answer.Get(&metadata) != nil {
		return ""
	}
	title, _, _ := strings.Cut(metadata.GetCurrentDetails(), "\n")
	return strings.ReplaceAll(strings.TrimLeft(title, "# "), "`", "")
}
