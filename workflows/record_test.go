//go:build record

package workflows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"

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
type scenario func(*testing.T, *stage) client.WorkflowRun

// stage is a server with a worker, in front of a made-up world.
type stage struct {
	*fake
	client   workflows.Client
	temporal client.Client
	ageing   *ageing
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{fake: &fake{now: time.Now}, ageing: &ageing{}}
	connected, err := client.Dial(client.Options{
		HostPort: startServer(t), Identity: "recorder", Logger: quiet{},
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(s.ageing.intercept)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connected.Close)
	s.temporal, s.client = connected, workflows.Client{Temporal: connected}
	s.request = s.ask
	for _, queue := range []string{workflows.QueueMain, workflows.QueueAnalysis, workflows.QueueMatching, workflows.QueueDelivery} {
		s.serve(t, queue)
	}
	return s
}

// startServer starts a server of the scenario's own, and returns its address: a
// worker that has just stopped could still be handed a task of the next scenario.
func startServer(t *testing.T) string {
	t.Helper()
	server := exec.Command(os.Getenv("TAGWATCH_TEMPORAL"), "--in-memory", "--port", "0", "--ui-port", "0")
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(os.Interrupt)
		_ = server.Wait()
	})
	var ready struct{ Address string }
	if err := json.NewDecoder(out).Decode(&ready); err != nil {
		t.Fatalf("the server is not ready: %v", err)
	}
	return ready.Address
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
func (s *stage) run(id string) client.WorkflowRun {
	description, err := s.temporal.DescribeWorkflowExecution(context.Background(), id, "")
	if err != nil {
		return s.temporal.GetWorkflow(context.Background(), id, "")
	}
	return s.temporal.GetWorkflow(context.Background(), id, description.WorkflowExecutionInfo.Execution.RunId)
}

// until waits for something that the scenario has brought about.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: has not happened", what)
		}
	}
}

// keep writes the history of a run that has ended.
func (s *stage) keep(t *testing.T, name string, run client.WorkflowRun) {
	t.Helper()
	kept := &history.History{}
	events := s.temporal.GetWorkflowHistory(context.Background(), run.GetID(), run.GetRunID(), true, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
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

// ageing lets runs be continued as new long before the server would suggest it,
// which is after some thousand events: it puts the suggestion into what the
// worker is told, and into the history that is kept.
type ageing struct {
	mu   sync.Mutex
	old  map[string]bool  // ids of workflows that are to be continued as new
	told map[string]int64 // by run, the first event with the suggestion
}

// age has the run of a workflow continued as new at its next task.
func (a *ageing) age(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.old == nil {
		a.old, a.told = map[string]bool{}, map[string]int64{}
	}
	a.old[id] = true
}

func (a *ageing) intercept(ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	err := invoke(ctx, method, request, answer, conn, options...)
	task, ok := answer.(*workflowservice.PollWorkflowTaskQueueResponse)
	if err != nil || !ok {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	run := task.GetWorkflowExecution()
	if _, told := a.told[run.GetRunId()]; !told && a.old[run.GetWorkflowId()] {
		delete(a.old, run.GetWorkflowId())
		a.told[run.GetRunId()] = task.GetStartedEventId()
	}
	a.markAll(run.GetRunId(), task.GetHistory().GetEvents())
	return nil
}

func (a *ageing) mark(run string, event *history.HistoryEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.markAll(run, []*history.HistoryEvent{event})
}

func (a *ageing) markAll(run string, events []*history.HistoryEvent) {
	since, told := a.told[run]
	for _, event := range events {
		if started := event.GetWorkflowTaskStartedEventAttributes(); told && started != nil && event.GetEventId() >= since {
			started.SuggestContinueAsNew = true
		}
	}
}
