package main

import (
	"path/filepath"
	"testing"

	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/adapters/tracing"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/workflows"
)

// TestHistoriesReplayTraced: a worker that traces goes on with the runs of one
// that did not.
func TestHistoriesReplayTraced(t *testing.T) {
	collector, err := lab.NewCollector()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { collector.Close() })
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL())
	traces, err := tracing.Open(t.Context(), "test", "devel")
	if err != nil {
		t.Fatal(err)
	}
	interceptors, err := traces.Interceptors()
	if err != nil {
		t.Fatal(err)
	}
	var options worker.WorkflowReplayerOptions
	for _, each := range interceptors {
		options.Interceptors = append(options.Interceptors, each.(interceptor.WorkerInterceptor))
	}
	files, err := filepath.Glob("../workflows/testdata/histories/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d histories: %v", len(files), err)
	}
	for _, file := range files {
		replayer, err := worker.NewWorkflowReplayerWithOptions(options)
		if err != nil {
			t.Fatal(err)
		}
		for name, definition := range workflows.Definitions {
			replayer.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
		}
		if err := replayer.ReplayWorkflowHistoryFromJSONFile(nil, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
