// Package client starts, signals, queries and lists the workflows through Temporal.
package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"go.temporal.io/api/enums/v1"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// Client reaches the workflows, for the command line and the activities. A request to a
// workflow starts it if it should run and does not.
type Client struct {
	Temporal sdk.Client
}

// Subscribe has a worker subscribe to up to subscription.MostTargets tags. The answer has
// one entry for each of them, in order. A request that is under way already is joined.
func (c Client) Subscribe(ctx context.Context, request subscription.Request) (answers []subscription.Result, err error) {
	request.By = audit.ActorOf(ctx)
	content, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	options := options(workflows.TypeSubscribe, "subscribe:"+uuid.NewSHA1(uuid.NameSpaceURL, content).String(), workflows.SubscribeSummary(request))
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	err = c.execute(ctx, options, workflows.Subscribe, request, &answers)
	return answers, err
}

// StartTag starts the watcher of a tag with what was recorded of it. Until it has
// something to do, no worker hears of it: a watcher that only rests would cost as much
// again as its start. One that runs already is woken.
func (c Client) StartTag(ctx context.Context, target image.Target, first watch.FirstRecord) error {
	options, state := tagOptions(target), workflows.Begin(target, first)
	options.TypedSearchAttributes = temporal.NewSearchAttributes(state.Labels()...)
	if first.Rest > 0 {
		options.StartDelay = first.Rest
		options.StaticDetails += " It has none before its first resync, or until it is woken. It began with:\n\n" + state.Details()
	}
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	_, err := c.Temporal.ExecuteWorkflow(ctx, options, workflows.WatchTag, state)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return c.WakeTag(ctx, target, watcher.WakeSubscription)
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", options.ID, workflows.Restore(err))
	}
	return nil
}

// WakeTag starts or wakes the watcher of a tag.
func (c Client) WakeTag(ctx context.Context, target image.Target, reason watcher.WakeReason) error {
	return c.wake(ctx, tagOptions(target), reason, workflows.WatchTag, workflows.TagState{Target: target})
}

// RequestAnalysis has an image analyzed; its watcher gets the result as a signal.
func (c Client) RequestAnalysis(ctx context.Context, request analysis.Request) error {
	options := options(workflows.TypeAnalyzeImage, workflows.AnalyzeImageID(request.Digest), workflows.AnalysisSummary(request.Digest))
	return c.signal(ctx, options, workflows.SignalWanted, request, workflows.AnalyzeImage, workflows.AnalysisState{Digest: request.Digest})
}

// WakeRegistry starts or wakes the workflow that polls a registry.
func (c Client) WakeRegistry(ctx context.Context, registry string, reason watcher.WakeReason) error {
	return c.wake(ctx, registryOptions(registry), reason, workflows.WatchRegistry, workflows.RegistryState{Registry: registry})
}

// WakeRepository starts or wakes the watcher of a repository.
func (c Client) WakeRepository(ctx context.Context, repository image.Repository, reason watcher.WakeReason) error {
	options := options(workflows.TypeWatchRepository, workflows.WatchRepositoryID(repository), workflows.RepositorySummary(repository))
	options.TypedSearchAttributes = temporal.NewSearchAttributes(workflows.RepositoryLabels(repository)...)
	return c.wake(ctx, options, reason, workflows.WatchRepository, workflows.RepositoryState{Repository: repository})
}

// WakeSource starts or wakes the workflow that reads a source.
func (c Client) WakeSource(ctx context.Context, name string, reason watcher.WakeReason) error {
	options := options(workflows.TypeFollowSource, workflows.FollowSourceID(name), workflows.SourceSummary(name))
	return c.wake(ctx, options, reason, workflows.FollowSource, workflows.SourceState{Name: name})
}

// WakeConfiguration has a worker apply the folder of documents that it has.
func (c Client) WakeConfiguration(ctx context.Context) error {
	options := options(workflows.TypeApplyConfiguration, workflows.ApplyConfigurationID, workflows.ConfigurationSummary)
	return c.wake(ctx, options, watcher.WakeChange, workflows.ApplyConfiguration, workflows.ConfigurationState{})
}

// WakeEndpoint starts or wakes the queue of an endpoint.
func (c Client) WakeEndpoint(ctx context.Context, name string, reason watcher.WakeReason) error {
	options := options(workflows.TypeServeEndpoint, workflows.ServeEndpointID(name), workflows.EndpointSummary(name))
	return c.wake(ctx, options, reason, workflows.ServeEndpoint, workflows.EndpointState{Name: name})
}

// wake starts a watcher again that ends because somebody canceled it, if it must run: it
// takes no notice of signals any more. Others that wake it are as good as Reconcile, later.
func (c Client) wake(ctx context.Context, options sdk.StartWorkflowOptions, reason watcher.WakeReason, workflow, state any) error {
	signal := func() error {
		return c.signal(ctx, options, workflows.SignalWake, watcher.Wake{Reason: reason}, workflow, state)
	}
	err := signal()
	if err != nil || reason != watcher.WakeSubscription && reason != watcher.WakeMissing {
		return err
	}
	ends, err := c.ends(ctx, options.ID)
	if err != nil || !ends {
		return err
	}
	return signal()
}

// SyncFeed synchronizes the vulnerability data. A request without settings joins a run
// under way. The result of the run is a workflows.Synced.
func (c Client) SyncFeed(ctx context.Context, request databuild.SyncRequest) (Run, error) {
	joins, summary := request == databuild.SyncRequest{}, "Vulnerability data: "+syncSummary(request)
	request.By = audit.ActorOf(ctx)
	if !joins {
		return c.begin(ctx, workflows.TypeSyncFeed, workflows.SyncFeedID, summary, request)
	}
	options := options(workflows.TypeSyncFeed, workflows.SyncFeedID, summary)
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	return runOf(c.Temporal.ExecuteWorkflow(ctx, options, workflows.TypeSyncFeed, request))
}

// ApplyPolicy activates a stored bundle and has the tags evaluated that it concerns, after
// the activations requested earlier. The result of the run is a workflows.Applied.
func (c Client) ApplyPolicy(ctx context.Context, bundle string) (Run, error) {
	return c.queue(ctx, workflows.TypeApplyPolicy, workflows.ApplyPolicyID, "Activation of bundle "+plain.Markdown(bundle), policy.Activation{Bundle: bundle, By: audit.ActorOf(ctx)})
}

// ApplyAcceptances has the tags evaluated that stored acceptances concern, after the
// evaluations requested earlier. The result of the run is a
// workflows.AcceptancesApplied.
func (c Client) ApplyAcceptances(ctx context.Context) (Run, error) {
	return c.queue(ctx, workflows.TypeApplyAcceptances, workflows.ApplyAcceptancesID, "Evaluation with the stored acceptances", nil)
}

// execute runs a workflow of which there is one at a time and waits for its result. Unless
// the options say to join it, it waits for the end of a run under way first. Nil is no
// argument.
func (c Client) execute(ctx context.Context, options sdk.StartWorkflowOptions, workflow, argument, result any) error {
	var arguments []any
	if argument != nil {
		arguments = []any{argument}
	}
	if options.WorkflowIDConflictPolicy == enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED {
		options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
		options.WorkflowExecutionErrorWhenAlreadyStarted = true
	}
	for {
		run, err := c.Temporal.ExecuteWorkflow(ctx, options, workflow, arguments...)
		if err == nil {
			return workflows.Restore(run.Get(ctx, result))
		}
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return workflows.Restore(err)
		}
		// Its result does not matter here, only that it has ended.
		_ = c.Temporal.GetWorkflow(ctx, options.ID, "").Get(ctx, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (c Client) signal(ctx context.Context, options sdk.StartWorkflowOptions, name string, argument, workflow any, state any) error {
	_, err := c.Temporal.SignalWithStartWorkflow(ctx, options.ID, name, argument, options, workflow, state)
	if err != nil {
		return fmt.Errorf("signal %s: %w", options.ID, workflows.Restore(err))
	}
	return nil
}

func options(workflowType, id, summary string) sdk.StartWorkflowOptions {
	return sdk.StartWorkflowOptions{ID: id, TaskQueue: workflows.QueueOf(workflowType), StaticSummary: summary, StaticDetails: workflows.About(workflowType)}
}

func tagOptions(target image.Target) sdk.StartWorkflowOptions {
	options := options(workflows.TypeWatchTag, workflows.WatchTagID(target), target.String())
	options.TypedSearchAttributes = temporal.NewSearchAttributes(workflows.TagLabels(target)...)
	return options
}

func registryOptions(registry string) sdk.StartWorkflowOptions {
	options := options(workflows.TypeWatchRegistry, workflows.WatchRegistryID(registry), workflows.RegistrySummary(registry))
	options.TypedSearchAttributes = temporal.NewSearchAttributes(workflows.RegistryLabels(registry)...)
	return options
}

func syncSummary(request databuild.SyncRequest) string {
	switch {
	case request.File != "":
		return "import of a file"
	case request.Release != "":
		return "release of the build on hold"
	case request.Rollback != "":
		return "back to the build before"
	}
	return "synchronization"
}
