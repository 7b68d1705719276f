// Package workflows says what happens in which order and how long to wait. It
// is deterministic: everything that touches the outside world is an activity,
// and every decision that needs a rule is a pure function of a domain package.
package workflows

import (
	"context"
	"reflect"
	"runtime"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// Activities is everything a workflow may ask of the outside world.
type Activities interface {
	// Subscribe verifies tags, stores their subscriptions and starts their watchers.
	Subscribe(context.Context, subscription.Request) ([]subscription.Result, error)
	// Observe finds out which image the tag points to, and which steps the store lacks for
	// it.
	Observe(context.Context, image.Target) (watch.Observation, error)
	// RequestAnalysis starts AnalyzeImage for an image or adds the request to the running
	// one. It does not wait: the answer is the signal SignalAnalyzed.
	RequestAnalysis(context.Context, analysis.Request) error
	// Analyze makes and stores the inventory of an image, unless there is one.
	Analyze(context.Context, analysis.Request) (analysis.Result, error)
	// Match finds the vulnerabilities of an image's packages.
	Match(context.Context, image.Digest) error
	// Record evaluates the policies, compares with the state recorded last, and stores the
	// new state, the notifications and their deliveries in one transaction.
	Record(context.Context, watch.RecordRequest) (watch.Recorded, error)
	// ReadSummary reads what is recorded of a tag.
	ReadSummary(context.Context, image.Target) (watch.Summary, error)
	// WakeEndpoints wakes ServeEndpoint of each endpoint: it has deliveries to send.
	WakeEndpoints(context.Context, []string) error

	// FollowConditions stores what a workflow finds wrong, or not wrong any more.
	FollowConditions(context.Context, condition.Report) error

	// PollRegistry checks the due tags of a registry, and wakes the watchers of those
	// that moved.
	PollRegistry(ctx context.Context, registry string) (polling.Poll, error)

	// ListTags compares a repository's tags with those that are watched, and stores the
	// subscriptions of new ones, the end of removed ones, and the notification.
	ListTags(context.Context, image.Repository) (taglist.Listing, error)
	// PlanRepository reports which tags would be watched in a repository.
	PlanRepository(context.Context, taglist.Repository) (taglist.Plan, error)
	// StartWatches starts the watchers that a repository still lacks.
	StartWatches(context.Context, image.Repository) (int, error)
	// ReadSource compares what a source lists with what it brought and records the
	// difference.
	ReadSource(ctx context.Context, name string) (source.Listing, error)
	// PlanSource reports what adding or changing a source would come to.
	PlanSource(context.Context, source.Source) (source.Plan, error)
	// StartSourceWatches starts the watchers that a source still lacks.
	StartSourceWatches(ctx context.Context, name string) (int, error)
	// ApplyConfiguration applies the folder of documents that the worker has.
	ApplyConfiguration(context.Context) (declaration.Applied, error)
	// WakeTags wakes the watchers of those tags.
	WakeTags(context.Context, []image.Target) error

	// FetchFeed downloads new vulnerability data, verifies it, and judges whether it can be
	// used or is put on hold.
	FetchFeed(context.Context, databuild.SyncRequest) (databuild.Fetched, error)
	// AdvanceFeed matches again the packages that a build touches, and makes it current.
	AdvanceFeed(context.Context, databuild.AdvanceRequest) (databuild.Advanced, error)
	// Summarize stores the pending summaries of what a new analyzer or matcher changed, one
	// for each endpoint; while tags have yet to be checked with it, it stores none unless
	// forced.
	Summarize(context.Context, databuild.SummarizeRequest) (databuild.Summarized, error)
	// Prune deletes images without a tag and notifications, both after the retention.
	Prune(context.Context) (watch.Pruned, error)

	// ActivatePolicy makes a stored bundle the active one and reports whether that
	// changed anything.
	ActivatePolicy(ctx context.Context, request policy.Activation) (bool, error)
	// Reevaluate evaluates every tag that another bundle, acceptances or newer data may change, and
	// wakes the watchers that have something to show or to do.
	Reevaluate(context.Context, watch.ReevaluateRequest) (watch.Reevaluated, error)

	// NextRenewal finds the next image that the active analyzer has not analyzed.
	NextRenewal(context.Context, analysis.RenewalRequest) (analysis.Renewal, error)
	// EndRenewal wakes the tags of an image that was analyzed again, or stores when to try
	// again, and reports which it was.
	EndRenewal(context.Context, analysis.RenewalEnd) (bool, error)

	// RestoreTemporal makes sure that Temporal knows the search attributes and the
	// schedules.
	RestoreTemporal(context.Context, watcher.ReconcileRequest) error
	// CompareWatchers starts the watchers of a kind that should run and do not, and wakes
	// those that nothing needs, which then end.
	CompareWatchers(context.Context, watcher.CompareRequest) (watcher.Compared, error)
	// CompareDeliveries wakes the endpoints whose deliveries are overdue, and fails those
	// whose endpoint was deleted.
	CompareDeliveries(context.Context, watcher.ReconcileRequest) (watcher.DeliveriesCompared, error)
	// Deliver makes the due attempts at an endpoint.
	Deliver(ctx context.Context, endpoint string) (delivery.Round, error)
	// TestEndpoint sends a sample notification.
	TestEndpoint(context.Context, delivery.TestRequest) (delivery.TestResult, error)
	// CheckRegistry reports the settings of a registry and whether it can be reached.
	CheckRegistry(ctx context.Context, name string) (polling.Report, error)
}

// Task queues. A worker serves all of them unless its settings say otherwise.
// What polls, delivers and answers people never waits behind what comes by the
// thousand or takes long.
const (
	QueueMain     = "tagwatch"
	QueueTags     = "tagwatch-tags"     // WatchTag and AnalyzeImage: thousands of steps at a time
	QueueBulk     = "tagwatch-bulk"     // activities that go through all tags
	QueueAnalysis = "tagwatch-analysis" // memory heavy, few slots
	QueueMatching = "tagwatch-matching" // needs the vulnerability data on disk
	QueueDelivery = "tagwatch-delivery"
	// QueueConfiguration is served by workers that have a folder of documents.
	QueueConfiguration = "tagwatch-configuration"
)

// urgent goes before everything else that waits in a task queue.
var urgent = temporal.Priority{PriorityKey: 1}

// heartbeatTimeout is how long a step may send no heartbeat before its worker is taken
// for dead and another worker begins the step anew. Steps send one every 5 seconds.
const heartbeatTimeout = 30 * time.Second

// attempts is how often Temporal tries a step in one round. A round that failed is
// shown as a problem and repeated (see health): by the next poll, listing, delivery or
// resync of a watcher, by persist in a task.
const attempts = 5

// queueTimeout is how long a step waits in its task queue for a worker.
const queueTimeout = 15 * time.Minute

// The kinds of work, with their time limits and retries.
var (
	// quick is for a cheap step: a local activity. One that keeps failing ends the
	// resync, and the next resync tries again; order goes on with an ordinary activity.
	quick = workflow.LocalActivityOptions{
		StartToCloseTimeout: 40 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: 5 * time.Second, MaximumAttempts: 3},
	}
	// interactive is for what a person waits for: it fails soon rather than late, and is
	// not repeated.
	interactive = workflow.ActivityOptions{
		Priority:            urgent,
		StartToCloseTimeout: 40 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: 5 * time.Second, MaximumAttempts: 3},
	}
	// storing is for what must not be lost: a round that failed is repeated.
	storing = workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute, MaximumAttempts: attempts},
	}
	// recording is storing for a step that may take longer than one statement.
	recording = workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         storing.RetryPolicy,
	}
	// checking is for a poll or a list of tags, which may be long.
	checking = workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Minute,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute, MaximumAttempts: attempts},
	}
	// bulk is for what goes through all tags: it pauses while too many workflow tasks of
	// tags wait for a worker.
	bulk = workflow.ActivityOptions{
		TaskQueue:           QueueBulk,
		StartToCloseTimeout: 2 * time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         checking.RetryPolicy,
	}
	// analyzing is for the analysis of an image. AnalyzeImage repeats a failed round.
	analyzing = workflow.ActivityOptions{
		TaskQueue:           QueueAnalysis,
		StartToCloseTimeout: 2 * time.Hour,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 5 * time.Second, MaximumInterval: time.Minute, MaximumAttempts: 4},
	}
	// matching is for what needs the vulnerability data on the worker's disk.
	matching = workflow.ActivityOptions{
		TaskQueue:              QueueMatching,
		ScheduleToStartTimeout: queueTimeout,
		StartToCloseTimeout:    time.Hour,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 2 * time.Second, MaximumInterval: 5 * time.Minute, MaximumAttempts: attempts},
	}
	// fetching has fewer attempts and is not repeated: the run fails, and the schedule
	// starts the next.
	fetching = workflow.ActivityOptions{
		TaskQueue:              QueueMatching,
		ScheduleToStartTimeout: queueTimeout,
		StartToCloseTimeout:    time.Hour,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 5 * time.Second, MaximumInterval: time.Minute, MaximumAttempts: 3},
	}
	// configuring is for what only workers with a folder of documents can do. It waits for
	// them as long as a restart takes.
	configuring = workflow.ActivityOptions{
		TaskQueue:              QueueConfiguration,
		ScheduleToStartTimeout: queueTimeout,
		StartToCloseTimeout:    2 * time.Hour,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute, MaximumAttempts: 3},
	}
	// delivering is for one round of attempts at one endpoint, which begins new attempts
	// for 5 minutes. Retries of a delivery are rows of the store, not attempts of this step.
	delivering = workflow.ActivityOptions{
		TaskQueue:              QueueDelivery,
		ScheduleToStartTimeout: queueTimeout,
		StartToCloseTimeout:    15 * time.Minute,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute, MaximumAttempts: attempts},
	}
)

// call runs one activity and waits for its result. The method expression gives
// the activity's name and both its types.
func call[In, Out any](ctx workflow.Context, options workflow.ActivityOptions, summary string,
	method func(Activities, context.Context, In) (Out, error), in In) (Out, error) {
	var out Out
	err := execute(ctx, options, summary, activityName(method), &out, in)
	return out, err
}

// execute runs one activity. One of a task is repeated until it succeeds or is refused for
// good, if persists says so.
func execute(ctx workflow.Context, options workflow.ActivityOptions, summary, name string, out any, arguments ...any) error {
	options.Summary = summary
	try := func() error {
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), name, arguments...).Get(ctx, out)
	}
	if persists(ctx, options) {
		return persist(ctx, summary, try)
	}
	return try()
}

// local runs one cheap activity inside the workflow's task.
func local[In, Out any](ctx workflow.Context, summary string,
	method func(Activities, context.Context, In) (Out, error), in In) (Out, error) {
	var out Out
	options := quick
	options.Summary = summary
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, options), activityName(method), in).Get(ctx, &out)
	return out, err
}

// order runs one cheap activity that has no result: quick as a local activity, and if that
// fails as an ordinary one (storing), in one round after the other until it succeeds: a
// wake-up or a request must not be lost. Each failed round is noted as a problem.
func order[In any](ctx workflow.Context, summary string, method func(Activities, context.Context, In) error, in In) error {
	quickly, patiently := quick, storing
	quickly.Summary, patiently.Summary = summary, summary
	err := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(ctx, quickly), activityName(method), in).Get(ctx, nil)
	if err == nil || ctx.Err() != nil || permanentKind(kindOf(err)) {
		return err
	}
	return persist(ctx, summary, func() error {
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, patiently), activityName(method), in).Get(ctx, nil)
	})
}

// all runs one activity that goes through everything and takes no argument.
func all[Out any](ctx workflow.Context, summary string, method func(Activities, context.Context) (Out, error)) (Out, error) {
	var out Out
	err := execute(ctx, bulk, summary, activityName(method), &out)
	return out, err
}

// activityName is the method's own name: what the worker registers it under.
func activityName(method any) string {
	name := runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}
