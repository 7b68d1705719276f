package workflows_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/grpc"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// canceled is what is known of a type of workflow to cancel it.
type canceled struct {
	input any
	// signal, if any, comes with the start, and wakes what rests.
	signal   string
	argument any
	// rests reports that it waits for a timer when its steps succeed.
	rests bool
	// steps are those in which it is canceled.
	steps []string
}

// inputs are none for a workflow without any.
func (c canceled) inputs() []any {
	if c.input == nil {
		return nil
	}
	return []any{c.input}
}

var toCancel = map[string]canceled{
	workflows.TypeWatchTag: {input: workflows.TagState{Target: target}, signal: workflows.SignalWake, argument: watcher.Wake{},
		rests: true, steps: []string{"Observe", "RequestAnalysis", "Match", "Record", "WakeEndpoints"}},
	workflows.TypeWatchRegistry: {input: workflows.RegistryState{Registry: registry}, signal: workflows.SignalWake, argument: watcher.Wake{},
		rests: true, steps: []string{"PollRegistry"}},
	workflows.TypeWatchRepository: {input: workflows.RepositoryState{Repository: repository}, signal: workflows.SignalWake, argument: watcher.Wake{},
		rests: true, steps: []string{"ListTags", "StartWatches"}},
	workflows.TypeFollowSource: {input: workflows.SourceState{Name: "shop"}, signal: workflows.SignalWake, argument: watcher.Wake{},
		rests: true, steps: []string{"ReadSource", "StartSourceWatches"}},
	workflows.TypeApplyConfiguration: {input: workflows.ConfigurationState{}, signal: workflows.SignalWake, argument: watcher.Wake{}, rests: true, steps: []string{"ApplyConfiguration"}},
	workflows.TypePlanSource:         {input: source.Source{Name: "shop"}, steps: []string{"PlanSource"}},
	workflows.TypeServeEndpoint: {input: workflows.EndpointState{Name: "chat"}, signal: workflows.SignalWake, argument: watcher.Wake{},
		rests: true, steps: []string{"Deliver"}},
	workflows.TypeSyncFeed: {input: databuild.SyncRequest{},
		steps: []string{"FetchFeed", "AdvanceFeed", "Reevaluate"}},
	workflows.TypeSummarize:        {rests: true, steps: []string{"Summarize"}},
	workflows.TypePrune:            {steps: []string{"Prune"}},
	workflows.TypeRunTask:          {}, // has no steps, see below
	workflows.TypeTakeTurns:        {}, // likewise
	workflows.TypeApplyPolicy:      {input: policy.Activation{Bundle: "bundle"}, steps: []string{"ActivatePolicy", "Reevaluate"}},
	workflows.TypeApplyAcceptances: {steps: []string{"Reevaluate"}},
	workflows.TypeAnalyzeImage:     {input: workflows.AnalysisState{Digest: first}, signal: workflows.SignalWanted, argument: wanted("latest"), steps: []string{"Analyze"}},
	workflows.TypeRenewAnalyses: {input: workflows.RenewalState{}, signal: workflows.SignalAnalyzed, argument: workflows.Analyzed{},
		rests: true, steps: []string{"NextRenewal", "RequestAnalysis"}},
	workflows.TypeReconcile:      {input: watcher.ReconcileRequest{}, steps: []string{"RestoreTemporal", "CompareWatchers", "CompareDeliveries"}},
	workflows.TypeSubscribe:      {input: subscription.Request{Targets: []image.Target{target}, Types: notification.TagTypes}, steps: []string{"Subscribe"}},
	workflows.TypeTestEndpoint:   {input: delivery.TestRequest{Endpoint: "chat"}, steps: []string{"TestEndpoint"}},
	workflows.TypePlanRepository: {input: taglist.Repository{Name: repository}, steps: []string{"PlanRepository"}},
	workflows.TypeCheckRegistry:  {input: registry, steps: []string{"CheckRegistry"}},
}

// TestCancel cancels every type of workflow wherever it can be, on a real server:
// the environment for tests hands out cancellations in another order. Each ends as
// canceled with the next workflow task.
func TestCancel(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts a server")
	}
	s := newCancelStage(t)
	for name := range workflows.Definitions {
		if _, known := toCancel[name]; !known {
			t.Errorf("%s is not canceled by this test", name)
		}
	}
	for name, c := range toCancel {
		for _, step := range c.steps {
			t.Run(name+" in "+step, func(t *testing.T) {
				t.Parallel()
				run := s.begin(t, name, c, &hindrance{step: step})
				until(t, "step begun", func() bool { return run.fault.times() > 0 })
				run.cancel(t)
				run.endsCanceled(t)
			})
			t.Run(name+" while "+step+" is tried again", func(t *testing.T) {
				t.Parallel()
				run := s.begin(t, name, c, &hindrance{step: step, fails: true})
				until(t, "step tried again", func() bool { return run.fault.times() > 1 })
				run.cancel(t)
				run.endsCanceled(t)
			})
		}
		if !c.rests {
			continue
		}
		t.Run(name+" at rest", func(t *testing.T) {
			t.Parallel()
			run := s.begin(t, name, c, &hindrance{})
			run.rests(t)
			run.cancel(t)
			run.endsCanceled(t)
		})
		if c.signal == "" {
			continue
		}
		for order, first := range map[string]bool{"after a wake-up": false, "before a wake-up": true} {
			t.Run(name+" "+order, func(t *testing.T) {
				t.Parallel()
				run := s.begin(t, name, c, &hindrance{})
				run.rests(t)
				run.together(t, first)
				run.endsCanceled(t)
			})
			t.Run(name+" "+order+" and before it is continued as new", func(t *testing.T) {
				t.Parallel()
				run := s.begin(t, name, c, &hindrance{})
				run.rests(t)
				s.ageing.age(run.id)
				run.together(t, first)
				run.endsCanceled(t)
			})
		}
	}
	t.Run("RunTask with its task", func(t *testing.T) {
		t.Parallel()
		run := s.begin(t, workflows.TypeRunTask, canceled{input: workflows.PruneID}, &hindrance{})
		task := &canceledRun{cancelStage: s, id: workflows.PruneID, fault: &hindrance{step: "Prune"}}
		s.hinder(task.id, task.fault)
		until(t, "step begun", func() bool { return task.fault.times() > 0 })
		run.cancel(t)
		run.endsCanceledIn(t, 3) // it waits for its task to end
		task.endsCanceled(t)
	})
}

// hindrance is the one step of a workflow that does not succeed: it hangs or fails.
type hindrance struct {
	step  string
	fails bool

	mu    sync.Mutex
	tries int
}

func (f *hindrance) times() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tries
}

// cancelStage is a server with workers in front of a world in which every workflow
// does all of its steps and then rests.
type cancelStage struct {
	interceptor.WorkerInterceptorBase
	temporal client.Client
	ageing   ageing
	world    *fake
	over     chan struct{}

	mu     sync.Mutex
	faults map[string]*hindrance // by the id of the workflow
}

func newCancelStage(t *testing.T) *cancelStage {
	t.Helper()
	s := &cancelStage{world: restingWorld(), over: make(chan struct{}), faults: map[string]*hindrance{}}
	var err error
	s.temporal, err = client.Dial(client.Options{HostPort: serverOf(t), Logger: quiet{},
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(s.ageing.intercept)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.temporal.Close)
	for _, queue := range []string{workflows.QueueBulk, workflows.QueueAnalysis, workflows.QueueMatching, workflows.QueueDelivery, workflows.QueueConfiguration} {
		t.Cleanup(s.serve(t, queue))
	}
	t.Cleanup(func() { close(s.over) })
	return s
}

// restingWorld gives every workflow something to do in each of its steps, and
// afterwards nothing for an hour.
func restingWorld() *fake {
	build := vuln.Build{Checksum: "sha256:build"}
	return &fake{
		now: time.Now,
		observe: func(int) (watch.Observation, error) {
			seen := waiting(first, second)
			seen.Changed, seen.Matched, seen.Summary.Resolved.Manifest = true, false, first
			return seen, nil
		},
		record: func(watch.RecordRequest) (watch.Recorded, error) {
			return watch.Recorded{Endpoints: []string{"chat"}}, nil
		},
		poll:   func(int) (polling.Poll, error) { return polled(3), nil },
		list:   func(int) (taglist.Listing, error) { return listed(), nil },
		source: func(int) (source.Listing, error) { return sourceListed(), nil },
		configuration: func(int) (declaration.Applied, error) {
			return declaration.Applied{Problem: &condition.Problem{Message: "no"}, Retry: time.Hour}, nil
		},
		fetched: databuild.Fetched{Build: &build},
		deliver: func(int) (delivery.Round, error) { return delivery.Round{Active: true}, nil },
		behind:  []int{1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000},
		renewal: func(analysis.RenewalRequest) analysis.Renewal {
			return analysis.Renewal{Analyzer: "syft 2", Number: 1, Digest: second, Target: target, Left: 1, Pause: time.Hour}
		},
	}
}

// serve has a worker take from a queue until it is stopped.
func (s *cancelStage) serve(t *testing.T, queue string) (stop func()) {
	t.Helper()
	w := worker.New(s.temporal, queue, worker.Options{Interceptors: []interceptor.WorkerInterceptor{s}})
	for name, definition := range workflows.Definitions {
		w.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	}
	w.RegisterActivity(s.world)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	return w.Stop
}

func (s *cancelStage) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &faultyStep{interceptor.ActivityInboundInterceptorBase{Next: next}, s}
}

// faultyStep lets the step of a workflow that is to hang or fail do so.
type faultyStep struct {
	interceptor.ActivityInboundInterceptorBase
	stage *cancelStage
}

func (i *faultyStep) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	info := activity.GetInfo(ctx)
	i.stage.mu.Lock()
	f := i.stage.faults[info.WorkflowExecution.ID]
	i.stage.mu.Unlock()
	if f == nil || f.step != info.ActivityType.Name {
		return i.Next.ExecuteActivity(ctx, in)
	}
	f.mu.Lock()
	f.tries++
	f.mu.Unlock()
	if f.fails {
		return nil, errors.New("the step fails")
	}
	select {
	case <-ctx.Done():
	case <-i.stage.over:
	}
	return nil, errors.New("the step hung")
}

// canceledRun is a workflow that is about to be canceled. Its workflow tasks have a
// queue of their own, whose worker can be stopped.
type canceledRun struct {
	*cancelStage
	canceled
	id, run string
	fault   *hindrance
	stop    func()
}

// hinder has a step of a workflow not succeed; nil for none.
func (s *cancelStage) hinder(id string, f *hindrance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[id] = f
}

func (s *cancelStage) begin(t *testing.T, name string, c canceled, f *hindrance) *canceledRun {
	t.Helper()
	id := strings.ReplaceAll(t.Name(), " ", "-")
	s.hinder(id, f)
	r := &canceledRun{cancelStage: s, canceled: c, id: id, fault: f, stop: s.serve(t, id)}
	t.Cleanup(func() { r.stop() })
	options := client.StartWorkflowOptions{ID: id, TaskQueue: id}
	var started client.WorkflowRun
	var err error
	if c.signal != "" {
		started, err = s.temporal.SignalWithStartWorkflow(t.Context(), id, c.signal, c.argument, options, name, c.input)
	} else {
		started, err = s.temporal.ExecuteWorkflow(t.Context(), options, name, c.inputs()...)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.run = started.GetRunID()
	return r
}

// rests waits until the run waits for a timer.
func (r *canceledRun) rests(t *testing.T) {
	t.Helper()
	until(t, "rest", func() bool {
		events := eventsOf(t, r.temporal, r.id, r.run)
		return events[len(events)-1].GetEventType() == enums.EVENT_TYPE_TIMER_STARTED
	})
}

func (r *canceledRun) cancel(t *testing.T) {
	t.Helper()
	if err := r.temporal.CancelWorkflow(t.Context(), r.id, ""); err != nil {
		t.Fatal(err)
	}
}

func (r *canceledRun) signal(t *testing.T) {
	t.Helper()
	if err := r.temporal.SignalWorkflow(t.Context(), r.id, "", r.canceled.signal, r.argument); err != nil {
		t.Fatal(err)
	}
}

// together has the workflow hear of a signal and of the cancellation in one task.
func (r *canceledRun) together(t *testing.T, canceledFirst bool) {
	t.Helper()
	r.stop()
	if canceledFirst {
		r.cancel(t)
		r.signal(t)
	} else {
		r.signal(t)
		r.cancel(t)
	}
	r.stop = r.serve(t, r.id)
}

// endsCanceled waits for the end of the workflow, which has come with the first task
// after the cancellation.
// endsCanceled in one workflow task: nothing holds it up.
func (r *canceledRun) endsCanceled(t *testing.T) {
	t.Helper()
	r.endsCanceledIn(t, 1)
}

func (r *canceledRun) endsCanceledIn(t *testing.T, most int) {
	t.Helper()
	status := enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	until(t, "end", func() bool {
		described, err := r.temporal.DescribeWorkflowExecution(context.Background(), r.id, "")
		if err != nil {
			t.Fatal(err)
		}
		status = described.GetWorkflowExecutionInfo().GetStatus()
		return status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	})
	if status != enums.WORKFLOW_EXECUTION_STATUS_CANCELED {
		t.Errorf("ended as %s", status)
	}
	tasks, asked := 0, false
	for _, e := range eventsOf(t, r.temporal, r.id, r.run) {
		asked = asked || e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
		if asked && e.GetEventType() == enums.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			tasks++
		}
	}
	if tasks > most {
		t.Errorf("%d workflow tasks from the cancellation to the end, want at most %d", tasks, most)
	}
}
