package client

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"go.temporal.io/api/serviceerror"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

// CheckRegistry runs a check of a registry, given by its host or by a tag of it, on a
// worker.
func (c Client) CheckRegistry(ctx context.Context, name string) (polling.Report, error) {
	return run[polling.Report](ctx, c, workflows.TypeCheckRegistry, "check-registry:"+name, "Check of registry "+name, workflows.CheckRegistry, name)
}

// PlanRepository returns the tags that a worker would watch in a repository.
func (c Client) PlanRepository(ctx context.Context, repository taglist.Repository) (taglist.Plan, error) {
	name := repository.Name.String()
	return run[taglist.Plan](ctx, c, workflows.TypePlanRepository, "plan-repository:"+name, "Tags that would be watched in "+name, workflows.PlanRepository, repository)
}

// BeginRepositoryPlan has a worker find out what PlanRepository returns: the result of the run
// is a taglist.Plan.
func (c Client) BeginRepositoryPlan(ctx context.Context, repository taglist.Repository) (Run, error) {
	name := repository.Name.String()
	options := options(workflows.TypePlanRepository, workflows.PlanRepositoryID+":"+name+":"+uuid.NewString(), "Tags that would be watched in "+name)
	return runOf(c.Temporal.ExecuteWorkflow(ctx, options, workflows.TypePlanRepository, repository))
}

// PlanSource returns what a source would bring, as a worker reads it.
func (c Client) PlanSource(ctx context.Context, asked source.Source) (source.Plan, error) {
	return run[source.Plan](ctx, c, workflows.TypePlanSource, "plan-source:"+asked.Name, "What source "+asked.Name+" would bring", workflows.PlanSource, asked)
}

// TestEndpoint has a worker send a sample notification to an endpoint.
func (c Client) TestEndpoint(ctx context.Context, name string, t notification.Type) (delivery.TestResult, error) {
	return run[delivery.TestResult](ctx, c, workflows.TypeTestEndpoint, "test-endpoint:"+name, "Sample notification to endpoint "+name, workflows.TestEndpoint, delivery.TestRequest{Endpoint: name, Type: t})
}

// run starts a workflow of its own for the request and returns its result.
func run[T any](ctx context.Context, c Client, workflowType, id, summary string, workflow, argument any) (result T, err error) {
	started, err := c.Temporal.ExecuteWorkflow(ctx, options(workflowType, id+":"+uuid.NewString(), summary), workflow, argument)
	if err == nil {
		err = started.Get(ctx, &result)
	}
	return result, workflows.Restore(err)
}

// RegistryStatus is the state of the poller of a registry.
func (c Client) RegistryStatus(ctx context.Context, registry string) (workflows.RegistryState, error) {
	return status[workflows.RegistryState](ctx, c, workflows.WatchRegistryID(registry))
}

// TagStatus is the state of a tag's watcher. One that had nothing to do since its start
// does it now: so far no worker has heard of it, and none can answer.
func (c Client) TagStatus(ctx context.Context, target image.Target) (workflows.TagState, error) {
	state, err := status[workflows.TagState](ctx, c, workflows.WatchTagID(target))
	if _, rests := errors.AsType[*serviceerror.WorkflowNotReady](err); !rests {
		return state, err
	}
	if err := c.WakeTag(ctx, target, watcher.WakeAttributes); err != nil {
		return state, err
	}
	return status[workflows.TagState](ctx, c, workflows.WatchTagID(target))
}

func status[T any](ctx context.Context, c Client, id string) (state T, err error) {
	answer, err := c.Temporal.QueryWorkflow(ctx, id, "", workflows.QueryStatus)
	if err != nil {
		return state, workflows.Restore(err)
	}
	return state, answer.Get(&state)
}
