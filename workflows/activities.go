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
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// Activities is everything a workflow may ask of the outside world.
type Activities interface {
	// Subscribe verifies tags, stores their subscriptions and starts their watchers.
	Subscribe(context.Context, subscription.Request) ([]subscription.Result, error)
	// Observe checks the registry and at the store.
	Observe(context.Context, image.Target) (watch.Observation, error)
	// RequestAnalysis has an image analyzed once, whoever else asks for it.
	RequestAnalysis(context.Context, analysis.Request) error
	// Analyze makes the inventory of an image.
	Analyze(context.Context, analysis.Request) (analysis.Result, error)
	// Match finds the vulnerabilities of an image's packages.
	Match(context.Context, image.Digest) error
	// Record evaluates, decides what happened and stores it with its deliveries.
	Record(context.Context, watch.RecordRequest) (watch.Recorded, error)
	// ReadSummary reads what is recorded of a tag.
	ReadSummary(context.Context, image.Target) (watch.Summary, error)
	// WakeEndpoints tells endpoints that deliveries wait for them.
	WakeEndpoints(context.Context, []string) error

	// FollowConditions stores what a workflow finds wrong, or not wrong any more.
	FollowConditions(context.Context, condition.Report) error

	// Poll checks the due tags of a registry and wakes the watchers of those
	// that moved.
	PollRegistry(ctx context.Context, registry string) (polling.Poll, error)

	// ListTags compares a repository's tags with those that are watched and
	// records the difference.
	ListTags(context.Context, image.Repository) (taglist.Listing, error)
	// PlanRepository reports what watching a repository would come to.
	PlanRepository(context.Context, taglist.Repository) (taglist.Plan, error)
	// StartWatches starts the watchers that a repository still lacks.
	StartWatches(context.Context, image.Repository) (int, error)
	// WakeTags wakes the watchers of those tags.
	WakeTags(context.Context, []image.Target) error

	// FetchFeed asks for new vulnerability data, verifies and judges them.
	FetchFeed(context.Context, databuild.SyncRequest) (databuild.Fetched, error)
	// AdvanceFeed makes a build current and matches again what it touches.
	AdvanceFeed(context.Context, databuild.AdvanceRequest) (databuild.Advanced, error)
	// Summarize tells at once what changed with another version of what analyzes
	// or matches.
	Summarize(context.Context, databuild.SummarizeRequest) (databuild.Summarized, error)
	// Prune removes what nobody will ask for any more.
	Prune(context.Context) (watch.Pruned, error)

	// ActivatePolicy makes a stored bundle the active one and reports whether that
	// changed anything.
	ActivatePolicy(ctx context.Context, bundle string) (bool, error)
	// Reevaluate evaluates every tag that another bundle, acceptances or newer data may change, and
	// wakes the watchers that have something to show or to do.
	Reevaluate(context.Context, watch.ReevaluateRequest) (watch.Reevaluated, error)

	// NextRenewal finds an image that the leading analyzer has not analyzed.
	NextRenewal(context.Context, analysis.RenewalRequest) (analysis.Renewal, error)
	// EndRenewal wakes the tags of a renewed image, remembers one that could not be
	// renewed, and reports which it was.
	EndRenewal(context.Context, analysis.RenewalEnd) (bool, error)

	// RestoreTemporal makes sure that Temporal knows the search attributes and the
	// schedules.
	RestoreTemporal(context.Context, watcher.ReconcileRequest) error
	// CompareWatchers starts the watchers of a kind that should run and do not.
	CompareWatchers(context.Context, watcher.CompareRequest) (watcher.Compared, error)
	// CompareDeliveries wakes the endpoints whose deliveries are overdue.
	CompareDeliveries(context.Context, watcher.ReconcileRequest) (watcher.DeliveriesCompared, error)
	// Deliver makes the due attempts at an endpoint.
	Deliver(ctx context.Context, endpoint string) (delivery.Round, error)
	// TestEndpoint sends a sample notification.
	TestEndpoint(context.Context, delivery.TestRequest) (delivery.TestResult, error)
	// CheckRegistry reports how a registry is spoken to and whether it works.
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
)

// urgent goes before everything else that waits in a task queue.
var urgent = temporal.Priority{PriorityKey: 1}

// silence is how long a step may not be heard of before its worker is taken for
// dead and another begins it anew. Steps beat every few seconds.
const silence = 30 * time.Second

// tries is how often a step is tried in one round. A round that failed is a problem
// that people see, and is repeated (see health).
const tries = 5

// untaken is how long a step waits for a worker to take it.
const untaken = 15 * time.Minute

// The kinds of work, and how patient each is.
var (
	// quick is for a cheap step: it runs inside the workflow's own task. A step
	// that keeps failing ends the resync, and the next resync tries again.
	quick = workflow.LocalActivityOptions{
		StartToCloseTimeout: 40 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: 5 * time.Second, MaximumAttempts: 3},
	}
	// asked is for what a person waits for: it fails soon rather than late.
	asked = workflow.ActivityOptions{
		Priority:            urgent,
		StartToCloseTimeout: 40 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, MaximumInterval: 5 * time.Second, MaximumAttempts: 3},
	}
	// storing is for what must not be lost: it is tried again in the next
	// round.
	storing = workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute, MaximumAttempts: tries},
	}
	// recording is storing for a step that may take longer than one statement.
	recording = workflow.ActivityOptions{
		StartToCloseTimeout: 2 * time.Minute,
		HeartbeatTimeout:    silence,
		RetryPolicy:         storing.RetryPolicy,
	}
	// polling checks many tags and heartbeats between them.
	checking = workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Minute,
		HeartbeatTimeout:    silence,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute, MaximumAttempts: tries},
	}
	// bulk is polling for what catches up: it waits where the watchers fall behind.
	bulk = workflow.ActivityOptions{
		TaskQueue:           QueueBulk,
		StartToCloseTimeout: 2 * time.Hour,
		HeartbeatTimeout:    silence,
		RetryPolicy:         checking.RetryPolicy,
	}
	analyzing = workflow.ActivityOptions{
		TaskQueue:           QueueAnalysis,
		StartToCloseTimeout: 2 * time.Hour,
		HeartbeatTimeout:    silence,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 5 * time.Second, MaximumInterval: time.Minute, MaximumAttempts: 4},
	}
	matching = workflow.ActivityOptions{
		TaskQueue:              QueueMatching,
		ScheduleToStartTimeout: untaken,
		StartToCloseTimeout:    time.Hour,
		HeartbeatTimeout:       silence,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 2 * time.Second, MaximumInterval: 5 * time.Minute, MaximumAttempts: tries},
	}
	// fetching gives up sooner: the schedule comes again, and meanwhile the state
	// says what is wrong.
	fetching = workflow.ActivityOptions{
		TaskQueue:              QueueMatching,
		ScheduleToStartTimeout: untaken,
		StartToCloseTimeout:    time.Hour,
		HeartbeatTimeout:       silence,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 5 * time.Second, MaximumInterval: time.Minute, MaximumAttempts: 3},
	}
	delivering = workflow.ActivityOptions{
		TaskQueue:              QueueDelivery,
		ScheduleToStartTimeout: untaken,
		StartToCloseTimeout:    15 * time.Minute,
		HeartbeatTimeout:       silence,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: time.Minute, MaximumAttempts: tries},
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

// execute runs one activity, that of a task until it succeeds.
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

// order runs one cheap activity that has no result. What does not succeed
// inside the workflow's task goes on outside of it until it does: a wake-up or
// a message must not be lost. That it goes on is noted after every round.
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
