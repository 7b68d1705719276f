package anchore

import (
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/operations"
)

const (
	// followTimeout is how long clients wait for a task, well below the time that a request
	// may take.
	followTimeout = 25 * time.Second
	followPause   = 200 * time.Millisecond
)

// follow waits for the end of a task, for Anchore's clients do not ask for it later, or until
// enough has come of it; enough may be nil. It returns how far the task is then. A task that
// fails is an error.
func (c *call) follow(task operations.Task, enough func() (bool, error)) (operations.Task, error) {
	for deadline := time.Now().Add(followTimeout); time.Now().Before(deadline); {
		shown, err := operations.ShowTask.Run(c, c.system, operations.TaskRequest{ID: task.ID})
		switch {
		case err != nil:
			return task, err
		case shown.Failure != nil:
			return shown, failureOf(shown.Failure)
		case shown.State == operations.TaskCompleted:
			return shown, nil
		}
		task = shown
		if enough != nil {
			if done, err := enough(); done || err != nil {
				return task, err
			}
		}
		select {
		case <-c.Done():
			return task, c.Err()
		case <-time.After(followPause):
		}
	}
	return task, nil
}

func failureOf(failure *operations.TaskFailure) error {
	if kind := errkind.ByName(failure.Kind); kind != nil {
		return &operations.Refusal{Kind: kind, Text: failure.Message}
	}
	return &Fault{Status: http.StatusInternalServerError, Text: failure.Message}
}
