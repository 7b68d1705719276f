package workflows_test

import (
	"cmp"
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
	"google.golang.org/grpc"
)

// serverOf starts a real server of the test's own and returns its address.
func serverOf(t testing.TB) string {
	t.Helper()
	program := filepath.Join(cmp.Or(os.Getenv("TAGWATCH_TEST_BIN"), filepath.Join("..", "bin")), "tagwatch-temporal")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("the programs are not built: run make build: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := exec.CommandContext(ctx, program, "--in-memory", "--port", "0", "--ui-port", "0")
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = server.Wait() })
	var ready struct{ Address string }
	if err := json.NewDecoder(out).Decode(&ready); err != nil {
		t.Fatalf("the server is not ready: %v", err)
	}
	return ready.Address
}

// until waits for something that the test has brought about.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: has not happened", what)
		}
	}
}

// eventsOf is the history of a run, so far.
func eventsOf(t *testing.T, temporal client.Client, id, run string) (events []*history.HistoryEvent) {
	t.Helper()
	pages := temporal.GetWorkflowHistory(context.Background(), id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		event, err := pages.Next()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

// ageing lets runs be continued as new long before the server would suggest it,
// which is after some thousand events: it puts the suggestion into what the
// worker is notified, and into the history that is kept.
type ageing struct {
	mu       sync.Mutex
	old      map[string]bool  // ids of workflows that are to be continued as new
	notified map[string]int64 // by run, the first event with the suggestion
}

// age has the run of a workflow continued as new at its next task.
func (a *ageing) age(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.old == nil {
		a.old, a.notified = map[string]bool{}, map[string]int64{}
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
	if _, notified := a.notified[run.GetRunId()]; !notified && a.old[run.GetWorkflowId()] {
		delete(a.old, run.GetWorkflowId())
		a.notified[run.GetRunId()] = task.GetStartedEventId()
	}
	a.markAll(run.GetRunId(), task.GetHistory().GetEvents())
	return nil
}

func (a *ageing) markAll(run string, events []*history.HistoryEvent) {
	since, notified := a.notified[run]
	for _, event := range events {
		if started := event.GetWorkflowTaskStartedEventAttributes(); notified && started != nil && event.GetEventId() >= since {
			started.SuggestContinueAsNew = true
		}
	}
}
