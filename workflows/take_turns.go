package workflows

import (
	"encoding/json"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/plain"
)

// Turn is a run of a workflow that waits for those before it.
type Turn struct {
	// ID is that of the workflow. Only this run has it.
	ID, Type, Summary string
	// Argument is the workflow's only one; empty for none.
	Argument json.RawMessage `json:",omitempty"`
}

// TurnsID is the id of the workflow that runs the workflows of a kind one after the other.
func TurnsID(kind string) string { return "turns:" + kind }

// TakeTurns runs workflows of which there is one run at a time, in the order of the
// signals that ask for them, and ends when none is left. Whoever asked has its answer at
// once, and follows the run under its own id. A run that fails does not stop the next one.
// If TakeTurns is terminated, the run under way goes on, and those after it are lost.
func TakeTurns(ctx workflow.Context, kind string) error {
	var waiting []Turn
	onSignal(ctx, SignalTurn, func(asked Turn) { waiting = append(waiting, asked) })
	if err := await(ctx, func() bool { return len(waiting) > 0 }); err != nil {
		return err
	}
	for len(waiting) > 0 {
		next := waiting[0]
		waiting = waiting[1:]
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Runs %s\n\n%s\n\nThe child workflow shows the progress and the result. %d more wait.\n", plain.Code(next.ID), next.Summary, len(waiting)))
		err := takeTurn(ctx, next)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			workflow.GetLogger(ctx).Info("a run failed, which its own workflow shows", "workflow", next.ID, "error", err)
		}
		if err := readSignals(ctx); err != nil {
			return err
		}
	}
	workflow.SetCurrentDetails(ctx, fmt.Sprintf("### No run of %s waits\n", plain.Code(kind)))
	return nil
}

func takeTurn(ctx workflow.Context, turn Turn) error {
	child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID: turn.ID, StaticSummary: turn.Summary, StaticDetails: About(turn.Type), ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON,
	})
	var arguments []any
	if len(turn.Argument) > 0 {
		arguments = []any{turn.Argument}
	}
	return workflow.ExecuteChildWorkflow(child, turn.Type, arguments...).Get(child, nil)
}
