package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/workflows"
)

const (
	// cachedWorkflows is how many workflows are kept in memory between two of
	// their steps. Nearly all of a large population sleep: a sleeping one is
	// cheaper read again than kept.
	cachedWorkflows = 1000
	// workflowTasks is how many workflows of a queue take a step at a time. More at
	// once than the machine has cores for make each step slow enough for Temporal to
	// take it for lost and hand it out again; a step may wait for a registry, though.
	workflowTasks = 50
	// deadlockTimeout is how long a workflow may compute without waiting for anything. Those
	// that do not end are found as well after it as after Temporal's second, and a machine
	// that is short of CPU does not have to repeat the steps of those that do.
	deadlockTimeout = 8 * time.Second // Temporal hands out a step again after ten
	// stopTimeout is how long steps under way may take when the worker stops.
	stopTimeout = 10 * time.Second
	// activityPollers is how many polls for activities each queue has open. They do
	// not scale with the load: with a single poll left, a step can wait until that
	// one expires.
	activityPollers = 5
	// progressInterval is how often at most a step's report of what it is doing
	// reaches Temporal, where people read it.
	progressInterval = 4 * time.Second
)

// queue is a task queue with the role that serves it and how much it does at a
// time.
type queue struct {
	role, name string
	slots      int
	// abandon cancels the steps under way as soon as the worker stops, for work
	// that takes long and is begun anew elsewhere.
	abandon bool
}

func queues(settings config.Worker) []queue {
	all := []queue{
		{role: "watching", name: workflows.QueueMain, slots: 200},
		{role: "watching", name: workflows.QueueTags, slots: 50},
		{role: "watching", name: workflows.QueueBulk, slots: 10},
		{role: "analysis", name: workflows.QueueAnalysis, slots: settings.AnalysisSlots, abandon: true},
		{role: "matching", name: workflows.QueueMatching, slots: 2, abandon: true},
		// Receivers that never answer hold a slot for each attempt's time limit.
		{role: "delivery", name: workflows.QueueDelivery, slots: 500},
	}
	if settings.ConfigDir != "" {
		all = append(all, queue{role: "watching", name: workflows.QueueConfiguration, slots: 1})
	}
	return all
}

// serveQueues polls the task queues of this worker's roles until the context
// ends, then lets the steps under way finish.
func serveQueues(ctx context.Context, temporal client.Client, settings config.Worker, steps *steps, watching *meters, ready *readiness, logger *slog.Logger) error {
	worker.SetStickyWorkflowCacheSize(cachedWorkflows)
	var started []worker.Worker
	defer func() { stopAll(started) }()
	fatal := make(chan error, 1)
	for _, q := range queues(settings) {
		if !settings.Serves(q.role) {
			continue
		}
		w := newWorker(ctx, temporal, q, settings, steps, watching, fatal)
		if err := w.Start(); err != nil {
			return fmt.Errorf("serve task queue %s: %w", q.name, err)
		}
		started = append(started, w)
		logger.InfoContext(ctx, "task queue served", "queue", q.name, "slots", q.slots)
	}
	ready.serving.Store(true)
	select {
	case <-ctx.Done():
		ready.serving.Store(false)
		logger.Info("worker stopping", "stop_timeout", stopTimeout)
		return nil
	case err := <-fatal:
		return err
	}
}

func stopAll(started []worker.Worker) {
	var all sync.WaitGroup
	for _, w := range started {
		all.Go(w.Stop)
	}
	all.Wait()
}

func newWorker(ctx context.Context, temporal client.Client, q queue, settings config.Worker, steps *steps, watching *meters, fatal chan<- error) worker.Worker {
	options := worker.Options{
		MaxConcurrentActivityExecutionSize: q.slots,
		// Every step can run its local activities at once: none waits for another's.
		MaxConcurrentWorkflowTaskExecutionSize:  workflowTasks,
		MaxConcurrentLocalActivityExecutionSize: workflowTasks,
		WorkflowTaskPollerBehavior:              worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		MaxConcurrentActivityTaskPollers:        activityPollers,
		DeadlockDetectionTimeout:                deadlockTimeout,
		WorkerStopTimeout:                       stopTimeout,
		MaxHeartbeatThrottleInterval:            progressInterval,
		Interceptors:                            []interceptor.WorkerInterceptor{&stepCounter{meters: watching}},
		DeploymentOptions:                       deployment(settings),
		OnFatalError: func(err error) {
			select {
			case fatal <- err:
			default:
			}
		},
	}
	if q.abandon {
		options.BackgroundActivityContext = ctx
		options.WorkerStopTimeout = stopTimeout / 2
	}
	definitions := definitionsOf(q)
	options.DisableWorkflowWorker = len(definitions) == 0
	w := worker.New(temporal, q.name, options)
	for name, definition := range definitions {
		w.RegisterWorkflowWithOptions(definition, workflow.RegisterOptions{Name: name})
	}
	w.RegisterActivityWithOptions(steps.activities, activity.RegisterOptions{SkipInvalidStructFunctions: true})
	return w
}

// deployment makes the workers a version of a Worker Deployment, if they are to
// be one. The workflows live as long as what they watch, so they go on with
// whatever version is the current one; that they can is what the recorded
// histories prove.
func deployment(settings config.Worker) worker.DeploymentOptions {
	if settings.Deployment == "" {
		return worker.DeploymentOptions{}
	}
	return worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: settings.Deployment, BuildID: cmp.Or(settings.BuildID, version)},
		DefaultVersioningBehavior: workflow.VersioningBehaviorAutoUpgrade,
	}
}

// definitionsOf are the workflows of a queue by the names of their types.
func definitionsOf(q queue) map[string]any {
	definitions := maps.Clone(workflows.Definitions)
	maps.DeleteFunc(definitions, func(name string, _ any) bool { return workflows.QueueOf(name) != q.name })
	return definitions
}
