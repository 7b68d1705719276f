package workflows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/workflows"
)

// TestReplay replays every recorded history: a change of the workflows that
// running ones could not follow fails here. testdata/record.sh records.
func TestReplay(t *testing.T) {
	t.Parallel()
	recorded := map[string]bool{}
	for _, file := range histories(t) {
		recorded[workflowType(t, file)] = true
		t.Run(strings.TrimPrefix(filepath.ToSlash(file), "testdata/histories/"), func(t *testing.T) {
			t.Parallel()
			// A machine with other things to do can hold a workflow up; the test itself has a time limit.
			replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DisableDeadlockDetection: true})
			if err != nil {
				t.Fatal(err)
			}
			for name, definition := range workflows.Definitions {
				replayer.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
			}
			if err := replayer.ReplayWorkflowHistoryFromJSONFile(quiet{}, file); err != nil {
				t.Error(err)
			}
		})
	}
	for name := range workflows.Definitions {
		if !recorded[name] {
			t.Errorf("no history of %s is recorded", name)
		}
	}
}

// histories are those of what is not released yet, and in a folder for each
// those of every released version.
func histories(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"testdata/histories/*.json", "testdata/histories/*/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

// workflowType is the type of the workflow whose history it is.
func workflowType(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	history, err := client.HistoryFromJSON(file, client.HistoryJSONOptions{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return history.Events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
}
