package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestKilledServerKeepsWorkflows(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not yet there", "#1 100% ?")
	first := start(t, "--data-dir", dir)
	begin(t, first.client(t), "survivor")
	first.kill()

	second := start(t, "--data-dir", dir)

	wantRunning(t, second.client(t), "survivor")
}

func TestStoppedServerLeavesOneCompleteFile(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, copied := t.TempDir(), t.TempDir()
			first := start(t, "--data-dir", dir)
			begin(t, first.client(t), "survivor")

			if code := first.stop(t, signal); code != 0 {
				t.Fatalf("exit code %d, want 0; it said: %s", code, first.stderr)
			}
			if first.stderr.Len() > 0 {
				t.Errorf("a clean run is not silent: %s", first.stderr)
			}

			file, err := os.ReadFile(filepath.Join(dir, "temporal.db"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(copied, "temporal.db"), file, 0o600); err != nil {
				t.Fatal(err)
			}
			wantRunning(t, start(t, "--data-dir", copied).client(t), "survivor")
		})
	}
}

func TestKilledWhileCreatingTheDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{"temporal.db.new": "half a database", "temporal.db": "", "temporal.lock": "4711\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	server := start(t, "--data-dir", dir)

	begin(t, server.client(t), "first")
}

func TestExistingNamespaceGetsMissingAttributes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, "--data-dir", dir)
	c := first.client(t)
	_, err := c.WorkflowService().RegisterNamespace(context.Background(), &workflowservice.RegisterNamespaceRequest{
		Namespace: "older", WorkflowExecutionRetentionPeriod: durationpb.New(shortestRetention),
	})
	if err != nil {
		t.Fatal(err)
	}
	first.stop(t, syscall.SIGTERM)

	second := start(t, "--data-dir", dir, "--namespace", "older")

	beginTagged(t, second.client(t), "tagged", temporal.NewSearchAttributeKeyKeyword("TagwatchTag").ValueSet("1.27"))
}

func TestRetentionOfANewNamespace(t *testing.T) {
	t.Parallel()
	server := start(t, "--in-memory", "--retention", "72h", "--namespace", "tags")

	found, err := server.client(t).WorkflowService().DescribeNamespace(context.Background(),
		&workflowservice.DescribeNamespaceRequest{Namespace: "tags"})

	if err != nil {
		t.Fatal(err)
	}
	if got := found.Config.WorkflowExecutionRetentionTtl.AsDuration().String(); got != "72h0m0s" {
		t.Errorf("retention is %s, want 72h0m0s", got)
	}
}

// begin starts a workflow that nobody works on.
func begin(t *testing.T, c client.Client, id string) { t.Helper(); beginTagged(t, c, id) }

func beginTagged(t *testing.T, c client.Client, id string, attributes ...temporal.SearchAttributeUpdate) {
	t.Helper()
	_, err := c.ExecuteWorkflow(context.Background(), client.StartWorkflowOptions{
		ID: id, TaskQueue: "nobody", TypedSearchAttributes: temporal.NewSearchAttributes(attributes...),
	}, "Idle")
	if err != nil {
		t.Fatalf("start workflow: %v", err)
	}
}

func wantRunning(t *testing.T, c client.Client, id string) {
	t.Helper()
	found, err := c.DescribeWorkflowExecution(context.Background(), id, "")
	if err != nil {
		t.Fatalf("describe workflow: %v", err)
	}
	if status := found.WorkflowExecutionInfo.Status; status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Errorf("workflow %s is %s, want running", id, status)
	}
}
