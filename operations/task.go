package operations

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/workflows"
)

// Task is work that an operation started, and that goes on after its answer.
type Task struct {
	ID    string    `json:"id" doc:"Id of the task."`
	Kind  string    `json:"kind" doc:"What kind of work it is."`
	State TaskState `json:"state" enum:"waiting,running,completed,failed" doc:"How far it is: waiting for a worker or for its turn, running, completed with a result, or failed."`
	// Step is what it is at.
	Step string `json:"step,omitempty" doc:"What it is at, in words."`
	// Failure is why it failed.
	Failure *TaskFailure `json:"failure,omitempty" doc:"Why it failed."`
	Result  *TaskResult  `json:"result,omitempty" doc:"What came of it."`
}

// TaskState is how far a task is.
type TaskState string

// The states of tasks.
const (
	TaskWaiting   TaskState = "waiting"
	TaskRunning   TaskState = "running"
	TaskCompleted TaskState = "completed"
	TaskFailed    TaskState = "failed"
)

// Location is the path of the task below that of the API.
func (t Task) Location() string { return strings.Replace(ShowTask.Path, "{id}", t.ID, 1) }

// TaskFailure is why a task failed.
type TaskFailure struct {
	Kind    string `json:"kind,omitempty"`
	Message string `json:"message"`
}

// Error implements error.
func (f *TaskFailure) Error() string { return f.Message }

// Unwrap returns the kind; nil for a failure that may pass.
func (f *TaskFailure) Unwrap() error { return errkind.ByName(f.Kind) }

// TaskResult is what came of a task: one of the fields, by its kind.
type TaskResult struct {
	Activation      *Activation     `json:"activation,omitempty"`
	Synchronization *Synced         `json:"synchronization,omitempty"`
	Reconciliation  *Reconciliation `json:"reconciliation,omitempty"`
	Evaluation      *Reevaluated    `json:"evaluation,omitempty"`
	Plan            *taglist.Plan   `json:"plan,omitempty"`
}

// taskKind is what there is to know of the tasks that run a workflow.
type taskKind struct {
	// bounded ones can be started, and so be seen, by callers with bounds. These do not
	// see what such a task says about the installation: its step, and its result.
	bounded bool
	// within reports that a run is about what is within bounds: who has these sees all of it.
	within func(token.Bounds, client.Run) bool
	read   func(await func(result any) error) (TaskResult, error)
}

// taskKinds are the workflows that are shown as tasks, by their ids.
var taskKinds = map[string]taskKind{
	workflows.ApplyPolicyID:      {read: readActivation},
	workflows.SyncFeedID:         {read: readSynced},
	workflows.ReconcileID:        {read: readReconciliation},
	workflows.ApplyAcceptancesID: {bounded: true, read: readReevaluated},
	workflows.PlanRepositoryID:   {within: plannedWithin, read: readPlan},
}

// evaluationTimeout is how long workers may take to evaluate all tags.
const evaluationTimeout = time.Hour

// begin starts a task. doing says what for.
func (s *System) begin(ctx context.Context, doing string, start func(context.Context, client.Client) (client.Run, error)) (Task, error) {
	var run client.Run
	err := s.ask(ctx, doing, evaluationTimeout, func(ctx context.Context, c client.Client) (err error) {
		run, err = start(ctx, c)
		return err
	})
	return Task{ID: taskID(run), Kind: kindOfTask(run), State: TaskRunning}, refused(err)
}

func taskID(run client.Run) string {
	return base64.RawURLEncoding.EncodeToString([]byte(run.Workflow + "\n" + run.ID))
}

// kindOfTask is the id of the workflow, without what tells requests apart that wait for
// their turn.
func kindOfTask(run client.Run) string {
	kind, _, _ := strings.Cut(run.Workflow, ":")
	return kind
}

// runOf is the run of a task; false for an id that no task has. Other workflows than those
// of tasks are not shown.
func runOf(id string) (client.Run, bool) {
	text, err := base64.RawURLEncoding.DecodeString(id)
	workflow, run, both := strings.Cut(string(text), "\n")
	known := client.Run{Workflow: workflow, ID: run} // a run that takes its turn has no id, see client.Run
	_, isTask := taskKinds[kindOfTask(known)]
	return known, err == nil && both && (run != "" || strings.Contains(workflow, ":")) && isTask
}

// ShowTask shows how far a task is. Tasks are shown for as long as Temporal keeps ended
// workflows.
var ShowTask = Operation[TaskRequest, Task]{Name: "show-task", Summary: "Show how far the work is that an operation started",
	Method: http.MethodGet, Path: "/tasks/{id}", Scope: token.Read, do: showTask}

// TaskRequest names a task.
type TaskRequest struct {
	ID string `path:"id" maxLength:"600" doc:"Id of the task." example:"YXBwbHktcG9saWN5CjEyMw"`
}

func showTask(ctx context.Context, s *System, request TaskRequest) (Task, error) {
	run, found := runOf(request.ID)
	kind := taskKinds[kindOfTask(run)]
	whole := s.Bounds.Whole() || kind.within != nil && kind.within(s.Bounds, run)
	if !found || !kind.bounded && !whole {
		return Task{}, noTask(request.ID)
	}
	task := Task{ID: request.ID, Kind: kindOfTask(run), State: TaskRunning}
	err := s.ask(ctx, "show the task", signalTimeout, func(ctx context.Context, c client.Client) error {
		return task.read(ctx, c, run, kind)
	})
	if errors.Is(err, errkind.NotFound) {
		return Task{}, noTask(request.ID)
	}
	if !whole {
		task = task.bounded()
	}
	return task, err
}

func noTask(id string) error {
	return notFound("", "task %s not found; tasks are kept for some time after their end", id)
}

// read reads how far the task is.
func (t *Task) read(ctx context.Context, c client.Client, run client.Run, kind taskKind) error {
	progress, err := c.Progress(ctx, run)
	if err != nil {
		return err
	}
	if !progress.Ended {
		t.Step = progress.Step
		if progress.Waiting {
			t.State = TaskWaiting
		}
		return nil
	}
	result, err := kind.read(func(result any) error { return c.Await(ctx, run, result) })
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		t.State, t.Failure = TaskFailed, &TaskFailure{Kind: errkind.Name(err), Message: errkind.Text(err)}
	default:
		t.State, t.Result = TaskCompleted, &result
	}
	return nil
}

// bounded is what a caller with bounds sees: nothing that counts or names tags.
func (t Task) bounded() Task {
	t.Result = nil
	if t.State != TaskWaiting {
		t.Step = ""
	}
	if t.Failure != nil {
		t.Failure = &TaskFailure{Kind: t.Failure.Kind, Message: "the task failed; a token that is not limited to some tags sees why"}
	}
	return t
}
