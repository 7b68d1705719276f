package workflows_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/enums/v1"

	reached "github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/workflows"
)

// TestTurns: activations requested while another one runs are answered at once, are shown as
// waiting, and run in the order of the requests. One that fails does not stop the next.
func TestTurns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	s := newCancelStage(t)
	c := reached.Client{Temporal: s.temporal}
	var runs []reached.Run
	for _, bundle := range []string{"first", unknownBundle, "third"} {
		run, err := c.ApplyPolicy(t.Context(), bundle)
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	held := &hindrance{step: "Reevaluate", fails: true}
	s.hinder(runs[0].Workflow, held)
	t.Cleanup(s.serve(t, workflows.QueueMain)) // now there is a worker
	until(t, "the first one evaluates", func() bool { return held.times() > 0 })
	for i, want := range []reached.Progress{{}, {Waiting: true, Step: "waiting for its turn after earlier ones"}, {Waiting: true, Step: "waiting for its turn after earlier ones"}} {
		if got, err := c.Progress(t.Context(), runs[i]); err != nil || got.Waiting != want.Waiting || got.Ended || want.Waiting && got.Step != want.Step {
			t.Errorf("run %d is at %+v, %v", i, got, err)
		}
	}
	s.hinder(runs[0].Workflow, nil)
	for i, refused := range []bool{false, true, false} {
		var applied workflows.Applied
		if err := c.Await(t.Context(), runs[i], &applied); (errkind.Name(err) == errkind.Name(errkind.NotFound)) != refused || !refused && (err != nil || !applied.Changed) {
			t.Errorf("run %d: %+v, %v", i, applied, err)
		}
	}
	if diff := cmp.Diff([]string{"first", "third"}, s.world.activated); diff != "" {
		t.Errorf("activated (-want +got)\n%s", diff)
	}
	until(t, "nothing waits", func() bool {
		described, err := s.temporal.DescribeWorkflowExecution(t.Context(), workflows.TurnsID(workflows.ApplyPolicyID), "")
		return err == nil && described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	})
	if _, err := c.Progress(t.Context(), reached.Run{Workflow: workflows.ApplyPolicyID + ":never"}); errkind.Name(err) != errkind.Name(errkind.NotFound) {
		t.Errorf("a run that nobody asked for: %v", err)
	}
}
