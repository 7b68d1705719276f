package doctor

import (
	"context"
	"errors"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/workflows"
)

// scheduled is a schedule that the workers make, and what is missed without it.
type scheduled struct{ id, does, missed string }

var schedules = []scheduled{
	{workflows.SyncFeedID, "new vulnerability data is fetched regularly", "no new vulnerability data is fetched"},
	{workflows.ReconcileID, "missing watchers are started regularly", "watchers that were lost are not started again"},
	{workflows.RenewAnalysesID, "images are analyzed again after an upgrade", "known images keep the analysis of an older version"},
	{workflows.SummarizeID, "what an upgrade changed is notified in summaries", "what an upgrade changed is not notified"},
	{workflows.PruneID, "old rows and documents are removed regularly", "the database grows"},
}

// schedule says whether a schedule exists, is not paused, and last ran well.
func (e *examination) schedule(ctx context.Context, s scheduled) {
	const subject = "schedule"
	described, err := e.Linked.Client.Temporal.ScheduleClient().GetHandle(ctx, s.id).Describe(ctx)
	missing := &serviceerror.NotFound{}
	switch {
	case errors.As(err, &missing):
		e.fail(subject, "start a worker, which creates it", "the schedule %s does not exist: %s", s.id, s.missed)
	case err != nil:
		e.warn(subject, "check the Web UI", "cannot read the schedule %s: %s", s.id, err)
	case described.Schedule.State != nil && described.Schedule.State.Paused:
		e.warn(subject, "resume it in the Web UI, or: temporal schedule toggle --unpause --reason resumed --schedule-id "+s.id, "the schedule %s is paused: %s", s.id, s.missed)
	default:
		e.lastRun(ctx, s, described)
	}
}

// lastRun says what came of the newest run that the schedule started.
func (e *examination) lastRun(ctx context.Context, s scheduled, described *client.ScheduleDescription) {
	const subject = "schedule"
	next := ""
	if times := described.Info.NextActionTimes; len(times) > 0 {
		next = ", next " + e.Ago(times[0])
	}
	outcome, failed, err := e.newestRun(ctx, described)
	switch {
	case err != nil:
		e.warn(subject, "check the Web UI", "cannot read the result of the last run of %s: %s", s.id, err)
	case failed:
		e.warn(subject, "see the Web UI, or run: temporal workflow list --query 'TemporalScheduledById=\""+s.id+"\"'",
			"the last run of %s %s%s: %s", s.id, outcome, next, s.missed)
	default:
		e.ok(subject, "%s (%s%s)", s.does, outcome, next)
	}
}

func (e *examination) newestRun(ctx context.Context, described *client.ScheduleDescription) (outcome string, failed bool, err error) {
	actions := described.Info.RecentActions
	if len(actions) == 0 || actions[len(actions)-1].StartWorkflowResult == nil {
		return "not run yet", false, nil
	}
	newest := actions[len(actions)-1]
	run, err := e.Linked.Client.Temporal.DescribeWorkflowExecution(ctx, newest.StartWorkflowResult.WorkflowID, newest.StartWorkflowResult.FirstExecutionRunID)
	if missing := (&serviceerror.NotFound{}); errors.As(err, &missing) {
		return "last run " + e.Ago(newest.ActualTime), false, nil // Temporal has forgotten it, as it does after a while
	}
	if err != nil {
		return "", false, err
	}
	info := run.GetWorkflowExecutionInfo()
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		return "running, began " + e.Ago(info.GetStartTime().AsTime()), false, nil
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		return "last run " + e.Ago(info.GetCloseTime().AsTime()), false, nil
	}
	return fmt.Sprintf("ended as %s %s", info.GetStatus(), e.Ago(info.GetCloseTime().AsTime())), true, nil
}
