package session

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// Glance is the time between two checks of running work.
const Glance = 500 * time.Millisecond

// soon is the first pause between two checks of a task; each next one doubles, up to
// Glance.
const soon = 50 * time.Millisecond

// FollowTask prints the steps of a task until its end. goesOn is what an interrupted command
// prints. The result is empty for a token that is limited to some tags.
func (s *Session) FollowTask(ctx context.Context, task operations.Task, goesOn string) (operations.TaskResult, error) {
	s.Shown()
	begun, printed := time.Now(), ""
	for pause := soon; ; pause = min(2*pause, Glance) {
		task, err := operations.ShowTask.Run(ctx, s.System(), operations.TaskRequest{ID: task.ID})
		switch {
		case err != nil:
			return operations.TaskResult{}, Meanwhile(ctx, err, goesOn)
		case task.Failure != nil:
			return operations.TaskResult{}, exit.Answered(task.Failure)
		case task.State == operations.TaskCompleted && task.Result == nil:
			return operations.TaskResult{}, nil
		case task.State == operations.TaskCompleted:
			return *task.Result, nil
		}
		if step := stepOf(task); step != "" && step != printed && time.Since(begun) >= Glance {
			s.Say("%s", step)
			printed = step
		}
		select {
		case <-ctx.Done():
			return operations.TaskResult{}, Meanwhile(ctx, ctx.Err(), goesOn)
		case <-time.After(pause):
		}
	}
}

func stepOf(task operations.Task) string {
	if task.State == operations.TaskWaiting && task.Step == "" {
		return "waiting for a worker; make sure one is running (tagwatch up or tagwatch-worker)"
	}
	return task.Step
}
