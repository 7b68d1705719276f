package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/workflows"
)

// Server is what a Temporal that responds says of itself.
type Server struct {
	// Version is empty if it does not say.
	Version string
	// Missing reports that it does not have the namespace, and Unreadable why it does not
	// show it.
	Missing    bool
	Unreadable error
}

// Server describes Temporal; the error is that of a Temporal that does not respond.
func (c Client) Server(ctx context.Context) (Server, error) {
	service, found := c.Temporal.WorkflowService(), Server{}
	_, err := service.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: Namespace()})
	_, down := errors.AsType[*serviceerror.Unavailable](err)
	_, found.Missing = errors.AsType[*serviceerror.NamespaceNotFound](err)
	if down || ctx.Err() != nil {
		return found, err
	}
	if found.Missing {
		return found, nil
	}
	found.Unreadable = err
	if info, err := service.GetSystemInfo(ctx, &workflowservice.GetSystemInfoRequest{}); err == nil {
		found.Version = info.GetServerVersion()
	}
	return found, nil
}

// MissingAttributes are the search attributes that the namespace lacks.
func (c Client) MissingAttributes(ctx context.Context) (missing []string, err error) {
	known, err := c.Temporal.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: Namespace()})
	if err != nil {
		return nil, fmt.Errorf("list the search attributes: %w", err)
	}
	for _, key := range workflows.Attributes {
		if _, found := known.GetCustomAttributes()[key.GetName()]; !found {
			missing = append(missing, key.GetName())
		}
	}
	return missing, nil
}

// Served is a task queue with the role of the workers that serve it.
type Served struct {
	Role, Queue string
	kind        enums.TaskQueueType
}

// AllServed are the task queues.
var AllServed = []Served{
	{"watching", workflows.QueueMain, enums.TASK_QUEUE_TYPE_WORKFLOW},
	{"watching", workflows.QueueTags, enums.TASK_QUEUE_TYPE_WORKFLOW},
	{"watching", workflows.QueueBulk, enums.TASK_QUEUE_TYPE_ACTIVITY},
	{"analysis", workflows.QueueAnalysis, enums.TASK_QUEUE_TYPE_ACTIVITY},
	{"matching", workflows.QueueMatching, enums.TASK_QUEUE_TYPE_ACTIVITY},
	{"delivery", workflows.QueueDelivery, enums.TASK_QUEUE_TYPE_ACTIVITY},
}

// pollerFresh is how long ago a worker may have asked for work and still count: it asks
// anew each minute at least.
const pollerFresh = 2 * time.Minute

// WorkerBuild is a version of a Worker Deployment; the empty one is that of all workers without a
// deployment.
type WorkerBuild struct{ Deployment, ID string }

// Serving is who asks for work in a task queue, and which version gets it.
type Serving struct {
	// Versions are those of the workers' program, by their identities.
	Versions map[string]string
	Builds   map[WorkerBuild]bool
	Current  WorkerBuild
}

// Serving finds the workers that ask for work.
func (c Client) Serving(ctx context.Context, s Served) (Serving, error) {
	found := Serving{Versions: map[string]string{}, Builds: map[WorkerBuild]bool{}}
	described, err := c.Temporal.DescribeTaskQueue(ctx, s.Queue, s.kind)
	if err != nil {
		return found, err
	}
	current := described.GetVersioningInfo().GetCurrentDeploymentVersion()
	found.Current = WorkerBuild{current.GetDeploymentName(), current.GetBuildId()}
	for _, poller := range described.GetPollers() {
		if time.Since(poller.GetLastAccessTime().AsTime()) < pollerFresh {
			found.Versions[poller.GetIdentity()] = versionOf(poller.GetIdentity())
			found.Builds[buildOf(poller)] = true
		}
	}
	return found, nil
}

// versionOf reads the version from a worker's identity, which ends in it.
func versionOf(identity string) string {
	_, version, found := strings.Cut(identity, " ")
	if !found {
		return "unknown"
	}
	return version
}

func buildOf(poller *taskqueue.PollerInfo) WorkerBuild {
	options := poller.GetDeploymentOptions()
	if options.GetWorkerVersioningMode() != enums.WORKER_VERSIONING_MODE_VERSIONED {
		return WorkerBuild{}
	}
	return WorkerBuild{options.GetDeploymentName(), options.GetBuildId()}
}

// CountRunning counts the running workflows of a type.
func (c Client) CountRunning(ctx context.Context, workflowType string) (int64, error) {
	counted, err := c.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: Namespace(), Query: fmt.Sprintf(`WorkflowType = %q AND ExecutionStatus = "Running"`, workflowType)})
	return counted.GetCount(), err
}

// ScheduleState is the state of a schedule and of the newest run that it started.
type ScheduleState struct {
	Paused bool
	// Next is when it starts the next run; zero if it does not say.
	Next time.Time
	// Started is when it started the newest run; zero for none so far.
	Started time.Time
	// Running reports that this run goes on, and Ended when it ended; zero if Temporal does
	// not know it any more. Failure is how it ended if it failed.
	Running bool
	Ended   time.Time
	Failure string
	// Unread is why the newest run cannot be read.
	Unread error
}

// ScheduleState describes a schedule; the error is errkind.NotFound if there is none.
func (c Client) ScheduleState(ctx context.Context, id string) (state ScheduleState, err error) {
	described, err := c.Temporal.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return state, fmt.Errorf("schedule %s does not exist: %w", id, errkind.NotFound)
	}
	if err != nil {
		return state, err
	}
	state.Paused = described.Schedule.State != nil && described.Schedule.State.Paused
	if times := described.Info.NextActionTimes; len(times) > 0 {
		state.Next = times[0]
	}
	actions := described.Info.RecentActions
	if len(actions) == 0 || actions[len(actions)-1].StartWorkflowResult == nil {
		return state, nil
	}
	newest := actions[len(actions)-1]
	state.Started = newest.ActualTime
	run, err := c.Temporal.DescribeWorkflowExecution(ctx, newest.StartWorkflowResult.WorkflowID, newest.StartWorkflowResult.FirstExecutionRunID)
	if _, forgotten := errors.AsType[*serviceerror.NotFound](err); err != nil {
		if !forgotten { // it is, after a while
			state.Unread = err
		}
		return state, nil
	}
	info := run.GetWorkflowExecutionInfo()
	switch info.GetStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_RUNNING:
		state.Running, state.Started = true, info.GetStartTime().AsTime()
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED, enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		state.Ended = info.GetCloseTime().AsTime()
	default:
		state.Ended, state.Failure = info.GetCloseTime().AsTime(), info.GetStatus().String()
	}
	return state, nil
}
