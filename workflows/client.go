package workflows

import (
	"context"
	"fmt"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/plain"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Client reaches the workflows: the command line and the activities use it. A
// workflow that should run and does not is started by whatever is sent to it.
type Client struct {
	Temporal client.Client
}

// Subscribe stores subscriptions of a tag and starts its watcher if there is
// none. It answers when they are stored.
func (c Client) Subscribe(ctx context.Context, request watch.SubscribeRequest) (result watch.SubscribeResult, err error) {
	err = c.update(ctx, request.Target, UpdateSubscribe, request, &result)
	return result, err
}

// Unsubscribe ends subscriptions of a tag and returns how many are left.
func (c Client) Unsubscribe(ctx context.Context, request watch.UnsubscribeRequest) (left int, err error) {
	err = c.update(ctx, request.Target, UpdateUnsubscribe, request, &left)
	return left, err
}

// update has a tag's watcher answer a request.
func (c Client) update(ctx context.Context, target image.Target, name string, request, result any) error {
	options := tagOptions(target)
	options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	handle, err := c.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: c.Temporal.NewWithStartWorkflowOperation(options, WatchTag, TagState{Target: target}),
		UpdateOptions: client.UpdateWorkflowOptions{
			WorkflowID: options.ID, UpdateName: name, Args: []any{request},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return Restore(err)
	}
	return Restore(handle.Get(ctx, result))
}

// CheckTag asks a tag's watcher for a resync.
func (c Client) CheckTag(ctx context.Context, target image.Target, asked CheckNow) error {
	return c.signal(ctx, tagOptions(target), SignalCheckNow, asked, WatchTag, TagState{Target: target})
}

// WakeTag asks a tag's watcher to check whether anything changed.
func (c Client) WakeTag(ctx context.Context, target image.Target) error {
	return c.CheckTag(ctx, target, CheckNow{})
}

// DataChanged tells a tag's watcher that findings of its image changed.
func (c Client) DataChanged(ctx context.Context, target image.Target) error {
	return c.signal(ctx, tagOptions(target), SignalDataChanged, struct{}{}, WatchTag, TagState{Target: target})
}

// PolicyChanged tells a tag's watcher that another bundle is active.
func (c Client) PolicyChanged(ctx context.Context, target image.Target) error {
	return c.signal(ctx, tagOptions(target), SignalPolicyChanged, struct{}{}, WatchTag, TagState{Target: target})
}

// TagStatus asks a tag's watcher what it knows and does.
func (c Client) TagStatus(ctx context.Context, target image.Target) (state TagState, err error) {
	answer, err := c.Temporal.QueryWorkflow(ctx, WatchTagID(target), "", QueryStatus)
	if err != nil {
		return state, Restore(err)
	}
	err = answer.Get(&state)
	return state, err
}

// RequestAnalysis has an image analyzed and its watcher notified.
func (c Client) RequestAnalysis(ctx context.Context, request watch.AnalysisRequest) error {
	options := options(AnalyzeImageID(request.Digest), "Analysis of "+string(request.Digest))
	options.TaskQueue = QueueTags
	return c.signal(ctx, options, SignalWanted, request, AnalyzeImage, AnalysisState{Digest: request.Digest})
}

// WakeRegistry starts the poller of a registry, or tells it that there are new
// tags.
func (c Client) WakeRegistry(ctx context.Context, registry string) error {
	return c.signal(ctx, registryOptions(registry), SignalWake, struct{}{}, WatchRegistry, RegistryState{Registry: registry})
}

// PollRegistry has the poller of a registry check the due tags now.
func (c Client) PollRegistry(ctx context.Context, registry string) error {
	return c.signal(ctx, registryOptions(registry), SignalCheckNow, CheckNow{}, WatchRegistry, RegistryState{Registry: registry})
}

// WakeRepository starts the watcher of a repository, or has it list the tags.
func (c Client) WakeRepository(ctx context.Context, repository image.Repository) error {
	options := options(WatchRepositoryID(repository), repositorySummary(repository))
	options.TypedSearchAttributes = temporal.NewSearchAttributes(repositoryLabels(repository)...)
	return c.signal(ctx, options, SignalWake, struct{}{}, WatchRepository, RepositoryState{Repository: repository})
}

// WakeEndpoint starts the queue of an endpoint, or tells it of new deliveries.
func (c Client) WakeEndpoint(ctx context.Context, name string) error {
	options := options(ServeEndpointID(name), endpointSummary(name))
	return c.signal(ctx, options, SignalWake, struct{}{}, ServeEndpoint, EndpointState{Name: name})
}

// SyncFeed runs the feed's synchronization and waits for its outcome. One that
// asks for nothing particular joins the run under way.
func (c Client) SyncFeed(ctx context.Context, request watch.SyncRequest) (synced Synced, err error) {
	options := options(SyncFeedID, "Vulnerability data: "+syncSummary(request))
	if request == (watch.SyncRequest{}) {
		options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	}
	err = c.execute(ctx, options, SyncFeed, request, &synced)
	return synced, err
}

// ApplyPolicy activates a stored bundle and wakes the watchers.
func (c Client) ApplyPolicy(ctx context.Context, bundle string) (applied Applied, err error) {
	err = c.execute(ctx, options(ApplyPolicyID, "Activation of bundle "+plain.Markdown(bundle)), ApplyPolicy, bundle, &applied)
	return applied, err
}

// execute runs a workflow of which there is one at a time and waits for its
// result. Unless the options say to join it, a run under way, which may do
// something else, is waited for first.
func (c Client) execute(ctx context.Context, options client.StartWorkflowOptions, workflow, argument, result any) error {
	if options.WorkflowIDConflictPolicy == enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED {
		options.WorkflowIDConflictPolicy = enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
		options.WorkflowExecutionErrorWhenAlreadyStarted = true
	}
	for {
		run, err := c.Temporal.ExecuteWorkflow(ctx, options, workflow, argument)
		if err == nil {
			return Restore(run.Get(ctx, result))
		}
		if !temporal.IsWorkflowExecutionAlreadyStartedError(err) {
			return Restore(err)
		}
		// Its outcome is of no concern here, only that it has ended.
		_ = c.Temporal.GetWorkflow(ctx, options.ID, "").Get(ctx, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (c Client) signal(ctx context.Context, options client.StartWorkflowOptions, name string, argument, workflow any, state any) error {
	_, err := c.Temporal.SignalWithStartWorkflow(ctx, options.ID, name, argument, options, workflow, state)
	if err != nil {
		return fmt.Errorf("signal %s: %w", options.ID, Restore(err))
	}
	return nil
}

func options(id, summary string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{ID: id, TaskQueue: QueueMain, StaticSummary: summary}
}

func tagOptions(target image.Target) client.StartWorkflowOptions {
	options := options(WatchTagID(target), target.String())
	options.TaskQueue = QueueTags
	options.StaticDetails = "Follows one tag for as long as somebody is subscribed to it. The current details beside this say how it is."
	options.TypedSearchAttributes = temporal.NewSearchAttributes(tagLabels(target)...)
	return options
}

func registryOptions(registry string) client.StartWorkflowOptions {
	options := options(WatchRegistryID(registry), registrySummary(registry))
	options.TypedSearchAttributes = temporal.NewSearchAttributes(registryLabels(registry)...)
	return options
}

func syncSummary(request watch.SyncRequest) string {
	switch {
	case request.File != "":
		return "import of a file"
	case request.Release:
		return "release of the held build"
	case request.Rollback:
		return "back to the previous build"
	}
	return "synchronization"
}
