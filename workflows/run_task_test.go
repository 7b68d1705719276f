package workflows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/workflows"
)

// oneRun is a server and a worker whose fetch of data lasts until it is let go.
type oneRun struct {
	*fake
	reached client.Client
	person  *person
	begun   chan struct{} // gets one for each fetch that begins
	let     chan struct{} // lets one end
}

// person is a connection that reports what it has come to.
type person struct {
	sdk.Client
	follows chan struct{} // gets one for each run that it started or joined
	waits   chan struct{} // gets one for each run whose end it waits for
}

func (p *person) ExecuteWorkflow(ctx context.Context, options sdk.StartWorkflowOptions, workflow any, args ...any) (sdk.WorkflowRun, error) {
	run, err := p.Client.ExecuteWorkflow(ctx, options, workflow, args...)
	if err == nil {
		p.follows <- struct{}{}
	}
	return run, err
}

func (p *person) GetWorkflow(ctx context.Context, id, run string) sdk.WorkflowRun {
	p.waits <- struct{}{}
	return p.Client.GetWorkflow(ctx, id, run)
}

// sync asks for a synchronization.
func (p *person) sync(request databuild.SyncRequest) error {
	var synced workflows.Synced
	run, err := client.Client{Temporal: p}.SyncFeed(context.Background(), request)
	if err == nil {
		err = client.Client{Temporal: p}.Await(context.Background(), run, &synced)
	}
	if err == nil && synced.Build != "sha256:current" {
		return errors.New("another outcome: " + synced.Build)
	}
	return err
}

func newOneRun(t *testing.T) *oneRun {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a server")
	}
	temporal, err := sdk.Dial(sdk.Options{HostPort: serverOf(t), Logger: quiet{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(temporal.Close)
	o := &oneRun{fake: &fake{now: time.Now}, reached: client.Client{Temporal: temporal},
		person: &person{temporal, make(chan struct{}, 10), make(chan struct{}, 10)},
		begun:  make(chan struct{}, 10), let: make(chan struct{}, 10)}
	o.fetched = databuild.Fetched{Current: "sha256:current"}
	o.fetch = func(databuild.SyncRequest) error {
		o.begun <- struct{}{}
		<-o.let
		return nil
	}
	for _, queue := range []string{workflows.QueueMain, workflows.QueueMatching, workflows.QueueBulk} {
		w := worker.New(temporal, queue, worker.Options{})
		for name, definition := range workflows.Definitions {
			w.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
		}
		w.RegisterActivity(o.fake)
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Stop)
	}
	t.Cleanup(func() { close(o.let) })
	return o
}

// schedule has a task run by its schedule: once, now.
func (o *oneRun) schedule(t *testing.T, id string) {
	t.Helper()
	for _, task := range workflows.Tasks {
		if task.ID == id {
			if err := o.reached.EnsureSchedules(t.Context(), []client.Schedule{{Task: task, Every: 24 * time.Hour}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// scheduledEnded counts the runs that the schedule of a task started and that ended
// well.
func (o *oneRun) scheduledEnded(t *testing.T, id string) int {
	t.Helper()
	description, err := o.reached.Temporal.ScheduleClient().GetHandle(t.Context(), id).Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ended := 0
	for _, action := range description.Info.RecentActions {
		run := action.StartWorkflowResult
		described, err := o.reached.Temporal.DescribeWorkflowExecution(t.Context(), run.WorkflowID, run.FirstExecutionRunID)
		if err != nil {
			t.Fatal(err)
		}
		if described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
			ended++
		}
	}
	return ended
}

// runs counts the runs of a task, of any end.
func (o *oneRun) runs(t *testing.T, id string) int64 {
	t.Helper()
	counted, err := o.reached.Temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "WorkflowId = '" + id + "'"})
	if err != nil {
		t.Fatal(err)
	}
	return counted.GetCount()
}

// Two people who ask for a synchronization and the schedule's, at one moment, are
// one run, whichever begins it; both people follow it to its end.
func TestSyncFeedRunsOnceForAll(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		scheduledFirst bool
	}{{"a person first", false}, {"the schedule first", true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOneRun(t)
			var people errgroup.Group
			ask := func() {
				for range 2 {
					people.Go(func() error { return o.person.sync(databuild.SyncRequest{}) })
				}
				<-o.person.follows
				<-o.person.follows
			}
			if test.scheduledFirst {
				o.schedule(t, workflows.SyncFeedID)
				<-o.begun
				ask()
			} else {
				ask()
				<-o.begun
				o.schedule(t, workflows.SyncFeedID)
				until(t, "scheduled run leaves the work to the other", func() bool { return o.scheduledEnded(t, workflows.SyncFeedID) == 1 })
			}
			o.let <- struct{}{}
			if err := people.Wait(); err != nil {
				t.Error(err)
			}
			until(t, "scheduled run ended", func() bool { return o.scheduledEnded(t, workflows.SyncFeedID) == 1 })
			until(t, "run listed", func() bool { return o.runs(t, workflows.SyncFeedID) > 0 })
			if len(o.begun) > 0 || o.runs(t, workflows.SyncFeedID) != 1 {
				t.Errorf("%d more fetches, %d runs", len(o.begun), o.runs(t, workflows.SyncFeedID))
			}
		})
	}
}

// A request for something particular runs after the run under way, never beside it.
func TestSyncFeedOfAFileWaits(t *testing.T) {
	t.Parallel()
	o := newOneRun(t)
	o.schedule(t, workflows.SyncFeedID)
	<-o.begun
	var imports errgroup.Group
	imports.Go(func() error { return o.person.sync(databuild.SyncRequest{File: "/mirror/newer.tar.zst"}) })
	<-o.person.waits
	if len(o.begun) > 0 {
		t.Error("it runs beside the other")
	}
	o.let <- struct{}{}
	<-o.begun
	o.let <- struct{}{}
	if err := imports.Wait(); err != nil {
		t.Error(err)
	}
	if asked := o.asked; len(asked) != 2 || asked[0].File != "" || asked[1].File == "" {
		t.Errorf("asked %+v", asked)
	}
}

// A schedule runs its task under the task's id.
func TestScheduleRunsItsTask(t *testing.T) {
	t.Parallel()
	o := newOneRun(t)
	o.schedule(t, workflows.PruneID)
	until(t, "scheduled run ended", func() bool { return o.scheduledEnded(t, workflows.PruneID) == 1 })
	until(t, "run listed", func() bool { return o.runs(t, workflows.PruneID) == 1 })
	if o.pruned != 1 {
		t.Errorf("pruned %d times", o.pruned)
	}
}
