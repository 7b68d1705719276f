package workflows_test

import (
	"strings"
	"testing"

	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/testsuite"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/workflows"
)

// TestAbout: whoever opens a workflow in Temporal's Web UI finds out what it does.
func TestAbout(t *testing.T) {
	t.Parallel()
	for name := range workflows.Definitions {
		if workflows.About(name) == "" {
			t.Errorf("nothing about %s", name)
		}
	}
}

// TestContinuedRunSaysWhatItDoes: Temporal shows what a workflow was started with on its
// first run only.
func TestContinuedRunSaysWhatItDoes(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]bool{"": false, "a-run": true} {
		env, outside := newWorld(t)
		outside.deliver = func(int) (delivery.Round, error) { return gone() }
		env.SetContinuedExecutionRunID(before)
		env.ExecuteWorkflow(workflows.ServeEndpoint, workflows.EndpointState{Name: "gone"})
		finished(t, env)
		details := currentDetails(t, env)
		if got := strings.Contains(details, workflows.About(workflows.TypeServeEndpoint)); got != want {
			t.Errorf("after run %q it says %t what it does in\n%s", before, got, details)
		}
		if summary := workflows.EndpointSummary("gone"); !strings.Contains(details, summary) {
			t.Errorf("no %q in\n%s", summary, details)
		}
	}
}

func TestRunTaskShowsWhatItRuns(t *testing.T) {
	t.Parallel()
	env, _ := newWorld(t)
	env.ExecuteWorkflow(workflows.RunTask, workflows.PruneID)
	finished(t, env)
	if details := currentDetails(t, env); !strings.Contains(details, "Runs prune") {
		t.Errorf("details %q", details)
	}
}

// currentDetails are those that the Web UI shows of a run.
func currentDetails(t *testing.T, env *testsuite.TestWorkflowEnvironment) string {
	t.Helper()
	answer, err := env.QueryWorkflow("__temporal_workflow_metadata")
	if err != nil {
		t.Fatal(err)
	}
	var metadata sdkpb.WorkflowMetadata
	if err := answer.Get(&metadata); err != nil {
		t.Fatal(err)
	}
	return metadata.CurrentDetails
}
