package workflows_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

var _ workflows.Activities = (*fake)(nil)

// fake is the outside world as the workflows see it. A test sets the answers
// that matter to it; what is asked is kept, in the order in which it was asked.
type fake struct {
	mu sync.Mutex
	// now is the clock of the test environment.
	now func() time.Time

	observe func(pass int) (watch.Observation, error)
	analyze func(analysis.Request) (analysis.Result, error)
	request func(analysis.Request) error
	match   func(image.Digest) error
	record  func(watch.RecordRequest) (watch.Recorded, error)
	refuse  func(image.Target) *condition.Problem // of Subscribe

	poll          func(round int) (polling.Poll, error)
	list          func(check int) (taglist.Listing, error)
	source        func(reading int) (source.Listing, error)
	configuration func(attempt int) (declaration.Applied, error)
	fetched       databuild.Fetched
	fetch         func(databuild.SyncRequest) error
	advance       func(databuild.AdvanceRequest) error
	deliver       func(round int) (delivery.Round, error)
	wake          func() error

	passes      []time.Time // of Observe, Poll, ListTags, ReadSource or Deliver
	requested   []analysis.Request
	analyzed    []analysis.Request
	matched     []image.Digest
	recorded    []watch.RecordRequest
	subscribed  []subscription.Request
	endpoints   []string // that were woken
	ended       []image.Target
	started     int // times that new watchers were started
	advanced    []databuild.AdvanceRequest
	superseded  int           // moves that another run overtakes, the first ones
	reevaluated []string      // builds, "" for a bundle
	summary     watch.Summary // that is recorded
	read        int           // times that it was read
	behind      []int         // answers to Summarize, then 0
	summarized  []databuild.SummarizeRequest
	activated   []string
	pruned      int
	asked       []databuild.SyncRequest
	restored    int
	compared    []watcher.CompareRequest
	tested      []delivery.TestRequest
	renewal     func(analysis.RenewalRequest) analysis.Renewal
	renewals    []time.Time // looks for an image to renew
	renewed     []analysis.RenewalEnd
	failing     []condition.Report
}

// did keeps something that was asked.
func did[T any](f *fake, list *[]T, what T) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	*list = append(*list, what)
	return len(*list)
}

func (f *fake) Observe(context.Context, image.Target) (watch.Observation, error) {
	return f.observe(did(f, &f.passes, f.now()))
}

func (f *fake) RequestAnalysis(_ context.Context, r analysis.Request) error {
	did(f, &f.requested, r)
	if f.request == nil {
		return nil
	}
	return f.request(r)
}

func (f *fake) Analyze(_ context.Context, r analysis.Request) (analysis.Result, error) {
	did(f, &f.analyzed, r)
	if f.analyze == nil {
		return analysis.Result{Digest: r.Digest, Packages: 3, Files: 7}, nil
	}
	return f.analyze(r)
}

func (f *fake) Match(_ context.Context, digest image.Digest) error {
	did(f, &f.matched, digest)
	if f.match == nil {
		return nil
	}
	return f.match(digest)
}

func (f *fake) Record(_ context.Context, r watch.RecordRequest) (watch.Recorded, error) {
	did(f, &f.recorded, r)
	if f.record == nil {
		return watch.Recorded{Summary: watch.Summary{Target: r.Target, Resolved: r.Resolved, Analyzed: r.Resolved.Manifest}}, nil
	}
	return f.record(r)
}

func (f *fake) WakeEndpoints(_ context.Context, names []string) error {
	for _, name := range names {
		did(f, &f.endpoints, name)
	}
	if f.wake == nil {
		return nil
	}
	return f.wake()
}

func (f *fake) Subscribe(_ context.Context, r subscription.Request) ([]subscription.Result, error) {
	did(f, &f.subscribed, r)
	done := make([]subscription.Result, len(r.Targets))
	for i, target := range r.Targets {
		done[i] = subscription.Result{Target: target, Types: r.Types}
		if f.refuse != nil {
			done[i].Refused = f.refuse(target)
		}
	}
	return done, nil
}

func (f *fake) FollowConditions(_ context.Context, report condition.Report) error {
	did(f, &f.failing, report)
	return nil
}

func (f *fake) PollRegistry(context.Context, string) (polling.Poll, error) {
	return f.poll(did(f, &f.passes, f.now()))
}

func (f *fake) ListTags(context.Context, image.Repository) (taglist.Listing, error) {
	return f.list(did(f, &f.passes, f.now()))
}

func (f *fake) StartWatches(context.Context, image.Repository) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started++
	return 1, nil
}

func (f *fake) ReadSource(context.Context, string) (source.Listing, error) {
	return f.source(did(f, &f.passes, f.now()))
}

func (f *fake) PlanSource(_ context.Context, asked source.Source) (source.Plan, error) {
	return source.Plan{Source: asked, Tags: 2, References: 3}, nil
}

func (f *fake) StartSourceWatches(ctx context.Context, _ string) (int, error) {
	return f.StartWatches(ctx, image.Repository{})
}

func (f *fake) ApplyConfiguration(context.Context) (declaration.Applied, error) {
	return f.configuration(did(f, &f.passes, f.now()))
}

func (f *fake) WakeTags(_ context.Context, targets []image.Target) error {
	for _, target := range targets {
		did(f, &f.ended, target)
	}
	return nil
}

func (f *fake) FetchFeed(_ context.Context, r databuild.SyncRequest) (databuild.Fetched, error) {
	did(f, &f.asked, r)
	if f.fetch != nil {
		if err := f.fetch(r); err != nil {
			return databuild.Fetched{}, err
		}
	}
	return f.fetched, nil
}

func (f *fake) AdvanceFeed(_ context.Context, r databuild.AdvanceRequest) (databuild.Advanced, error) {
	did(f, &f.advanced, r)
	if len(f.advanced) <= f.superseded {
		return databuild.Advanced{Superseded: true}, nil
	}
	if f.advance != nil {
		if err := f.advance(r); err != nil {
			return databuild.Advanced{}, err
		}
	}
	return databuild.Advanced{Build: r.Build.Checksum, Groups: 12, Changed: 3}, nil
}

func (f *fake) Summarize(_ context.Context, request databuild.SummarizeRequest) (databuild.Summarized, error) {
	did(f, &f.summarized, request)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.behind) == 0 {
		return databuild.Summarized{}, nil
	}
	next := f.behind[0]
	f.behind = f.behind[1:]
	return databuild.Summarized{Behind: next}, nil
}

func (f *fake) Prune(context.Context) (watch.Pruned, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pruned++
	return watch.Pruned{Images: 2}, nil
}

func (f *fake) ActivatePolicy(_ context.Context, request policy.Activation) (bool, error) {
	bundle := request.Bundle
	if bundle == unknownBundle {
		return false, permanentError(errkind.NotFound, "there is no bundle "+bundle)
	}
	did(f, &f.activated, bundle)
	return true, nil
}

func (f *fake) Reevaluate(_ context.Context, r watch.ReevaluateRequest) (watch.Reevaluated, error) {
	did(f, &f.reevaluated, r.Build)
	return watch.Reevaluated{Evaluated: 3, Kept: 4, Outdated: 2, StatusChanged: 1}, nil
}

func (f *fake) ReadSummary(context.Context, image.Target) (watch.Summary, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read++
	return f.summary, nil
}

func (f *fake) RestoreTemporal(context.Context, watcher.ReconcileRequest) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restored++
	return nil
}

func (f *fake) CompareWatchers(_ context.Context, r watcher.CompareRequest) (watcher.Compared, error) {
	did(f, &f.compared, r)
	return watcher.Compared{Kind: r.Kind, Wanted: 3, Missing: 1, MissingNames: []string{"one"}}, nil
}

func (f *fake) CompareDeliveries(context.Context, watcher.ReconcileRequest) (watcher.DeliveriesCompared, error) {
	return watcher.DeliveriesCompared{Overdue: 2}, nil
}

func (f *fake) Deliver(context.Context, string) (delivery.Round, error) {
	return f.deliver(did(f, &f.passes, f.now()))
}

func (f *fake) PlanRepository(_ context.Context, r taglist.Repository) (taglist.Plan, error) {
	return taglist.Plan{Repository: r.Name, Tags: 3, Selected: 2}, nil
}

func (f *fake) TestEndpoint(_ context.Context, r delivery.TestRequest) (delivery.TestResult, error) {
	did(f, &f.tested, r)
	return delivery.TestResult{Type: r.Type, Verdict: delivery.VerdictDelivered, Status: 204, Answer: "HTTP 204"}, nil
}

func (f *fake) CheckRegistry(_ context.Context, name string) (polling.Report, error) {
	return polling.Report{Name: name, Worker: "worker", Works: true}, nil
}

func (f *fake) NextRenewal(_ context.Context, r analysis.RenewalRequest) (analysis.Renewal, error) {
	did(f, &f.renewals, f.now())
	return f.renewal(r), nil
}

func (f *fake) EndRenewal(_ context.Context, end analysis.RenewalEnd) (bool, error) {
	did(f, &f.renewed, end)
	return end.Problem == nil, nil
}

// Values that the tests share.
const (
	first  = image.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	second = image.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")

	unknownBundle = "unknown"
)

var (
	repository = image.Repository{Registry: "registry.example.com", Path: "team/app"}
	target     = image.Target{Reference: repository.Reference("latest")}
)

// permanentError is a step's error as the activities return it.
func permanentError(kind error, message string) error {
	return temporal.NewNonRetryableApplicationError(message, errkind.Name(kind), nil)
}

// steady is an observation of a tag of which everything is done and known.
func steady(digest image.Digest) watch.Observation {
	return watch.Observation{Active: true, Every: time.Hour, Resolved: image.Resolved{Manifest: digest}, Analyzed: true, Image: digest, Matched: true,
		Summary: &watch.Summary{Target: target, Resolved: image.Resolved{Manifest: digest}, Analyzed: digest, Matched: true}}
}

// fresh is the observation of a tag that points to an image never seen before.
func fresh(digest image.Digest) watch.Observation {
	seen := steady(digest)
	seen.Analyzed, seen.Image, seen.Matched, seen.Changed, seen.Summary = false, "", false, true, nil
	return seen
}

// analyzed is the observation of a tag whose image was analyzed since its move was
// recorded.
func analyzed(digest image.Digest) watch.Observation {
	seen := steady(digest)
	seen.Matched, seen.Changed = false, true
	seen.Summary = &watch.Summary{Target: target, Resolved: seen.Resolved}
	return seen
}

// forgotten is the observation of a tag that nobody is subscribed to: it ends
// the watcher.
func forgotten() (watch.Observation, error) { return watch.Observation{Every: time.Hour}, nil }

// newWorld is an environment without real time, and the outside of it.
func newWorld(t *testing.T) (*testsuite.TestWorkflowEnvironment, *fake) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(quiet{})
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(20 * time.Second)
	// A machine with other things to do can hold a workflow up for longer than the default.
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: 10 * time.Second})
	outside := &fake{now: env.Now}
	env.RegisterActivity(outside)
	for _, definition := range workflows.Definitions {
		env.RegisterWorkflow(definition)
	}
	return env, outside
}

// answering makes the analysis of every requested image succeed.
func answering(env *testsuite.TestWorkflowEnvironment, problem *condition.Problem) func(analysis.Request) error {
	return func(r analysis.Request) error {
		env.SignalWorkflow(workflows.SignalAnalyzed, workflows.Analyzed{Digest: r.Digest, Problem: problem})
		return nil
	}
}

// quiet drops the log of the environment.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// waits are the times between the resyncs.
func (f *fake) waits() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var waits []time.Duration
	for i := 1; i < len(f.passes); i++ {
		waits = append(waits, f.passes[i].Sub(f.passes[i-1]))
	}
	return waits
}

// finished fails the test unless the workflow ended by itself and well.
func finished(t *testing.T, env *testsuite.TestWorkflowEnvironment) {
	t.Helper()
	if !env.IsWorkflowCompleted() {
		t.Fatal("the workflow has not ended")
	}
	if err := env.GetWorkflowError(); err != nil {
		t.Fatalf("the workflow failed: %v", err)
	}
}
