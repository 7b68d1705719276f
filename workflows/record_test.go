//go:build record

package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/api/history/v1"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/workflows"
)

// TestRecord plays each scenario on a real server and keeps its history.
func TestRecord(t *testing.T) {
	for name, play := range scenarios {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			run := play(t, s)
			s.keep(t, name, run)
		})
	}
}

// scenario plays and returns the run whose history is to be kept.
type scenario func(*testing.T, *stage) sdk.WorkflowRun

// stage is a server with a worker, in front of a made-up world.
type stage struct {
	*fake
	client   client.Client
	temporal sdk.Client
	ageing   *ageing
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{fake: &fake{now: time.Now}, ageing: &ageing{}}
	connected, err := sdk.Dial(sdk.Options{
		HostPort: serverOf(t), Identity: "recorder", Logger: quiet{},
		ConnectionOptions: sdk.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(s.ageing.intercept)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connected.Close)
	s.temporal, s.client = connected, client.Client{Temporal: connected}
	s.request = s.ask
	for _, queue := range []string{workflows.QueueMain, workflows.QueueTags, workflows.QueueBulk, workflows.QueueAnalysis, workflows.QueueMatching, workflows.QueueDelivery, workflows.QueueConfiguration} {
		s.serve(t, queue)
	}
	return s
}

func (s *stage) serve(t *testing.T, queue string) {
	t.Helper()
	w := worker.New(s.temporal, queue, worker.Options{Identity: "recorder"})
	for name, definition := range workflows.Definitions {
		w.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	}
	w.RegisterActivity(s.fake)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

// run is the run under way of a workflow.
func (s *stage) run(id string) sdk.WorkflowRun {
	description, err := s.temporal.DescribeWorkflowExecution(context.Background(), id, "")
	if err != nil {
		return s.temporal.GetWorkflow(context.Background(), id, "")
	}
	return s.temporal.GetWorkflow(context.Background(), id, description.WorkflowExecutionInfo.Execution.RunId)
}

// keep writes the history of a run that has ended.
func (s *stage) keep(t *testing.T, name string, run sdk.WorkflowRun) {
	t.Helper()
	kept := &history.History{}
	for _, event := range eventsOf(t, s.temporal, run.GetID(), run.GetRunID()) {
		s.ageing.mark(run.GetRunID(), event)
		kept.Events = append(kept.Events, event)
	}
	text, err := protojson.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, text, "", " "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	if err := os.WriteFile(filepath.Join("testdata", "histories", os.Getenv("TAGWATCH_RECORD_VERSION"), name+".json"), indented.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d events", name, len(kept.Events))
}

func (a *ageing) mark(run string, event *history.HistoryEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.markAll(run, []*history.HistoryEvent{event})
}
