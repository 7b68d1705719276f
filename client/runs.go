package client

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	temporal "go.temporal.io/sdk/client"
	sdkerror "go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/workflows"
)

// Run is one run of a workflow that takes long, by the ids that Temporal gives it. ID is
// empty for one that takes its turn after others: Temporal has it under its workflow's id
// when its turn comes.
type Run struct{ Workflow, ID string }

// queue requests a workflow of which there is one run at a time; it starts after those
// requested earlier. The kind begins the id of the workflow.
func (c Client) queue(ctx context.Context, workflowType, kind, summary string, argument any) (Run, error) {
	turn := workflows.Turn{ID: kind + ":" + uuid.NewString(), Type: workflowType, Summary: summary}
	if argument != nil {
		var err error
		if turn.Argument, err = json.Marshal(argument); err != nil {
			return Run{}, err
		}
	}
	takes := options(workflows.TypeTakeTurns, workflows.TurnsID(kind), "One after the other: "+kind)
	err := c.signal(ctx, takes, workflows.SignalTurn, turn, workflows.TakeTurns, kind)
	return Run{Workflow: turn.ID}, err
}

// queued describes the workflow that a run waits for, while the run waits for its turn; nil
// if it does not, for it has begun.
func (c Client) queued(ctx context.Context, run Run) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	_, err := c.Temporal.DescribeWorkflowExecution(ctx, run.Workflow, "")
	if _, missing := errors.AsType[*serviceerror.NotFound](err); !missing {
		return nil, err
	}
	kind, _, _ := strings.Cut(run.Workflow, ":")
	described, err := c.Temporal.DescribeWorkflowExecution(ctx, workflows.TurnsID(kind), "")
	if err == nil && described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return described, nil
	}
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		err = nil
	}
	return nil, err
}

// turnPause is the time between two looks at whether a run has begun.
const turnPause = 200 * time.Millisecond

// begun returns when the turn of a run has come.
func (c Client) begun(ctx context.Context, run Run) error {
	for run.ID == "" {
		waits, err := c.queued(ctx, run)
		if err != nil || waits == nil {
			return workflows.Restore(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(turnPause):
		}
	}
	return nil
}

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
	if err := c.begun(ctx, run); err != nil {
		return err
	}
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
	// Waiting reports that no worker has taken the next step or, with a step, that the run
	// waits for that.
	Waiting bool
	// Step is what the run is at; empty if it is about to begin with something.
	Step string
}

// Progress describes a run; the error is errkind.NotFound for one that Temporal does not
// have, or no longer.
func (c Client) Progress(ctx context.Context, run Run) (Progress, error) {
	if run.ID == "" {
		waits, err := c.queued(ctx, run)
		switch {
		case err != nil:
			return Progress{}, workflows.Restore(err)
		case waits != nil && idle(waits):
			return Progress{Waiting: true}, nil
		case waits != nil:
			return Progress{Waiting: true, Step: "waiting for its turn after earlier ones"}, nil
		}
	}
	described, err := c.describe(ctx, run)
	if err != nil {
		return Progress{}, workflows.Restore(err)
	}
	info := described.GetWorkflowExecutionInfo()
	if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return Progress{Ended: true}, nil
	}
	if idle(described) {
		return Progress{Waiting: true}, nil
	}
	if children := described.GetPendingChildren(); len(children) > 0 {
		progress, err := c.Progress(ctx, Run{children[0].GetWorkflowId(), children[0].GetRunId()})
		progress.Ended = false
		return progress, err
	}
	pending, detail := pendingDetail(described)
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
