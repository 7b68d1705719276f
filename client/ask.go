package client

import (
	"context"

	"github.com/google/uuid"

	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/workflows"
)

// CheckRegistry has a worker say how it speaks to a registry, given by its host
// or by a tag of it, and returns what came of trying it.
func (c Client) CheckRegistry(ctx context.Context, name string) (report polling.Report, err error) {
	options := options("check-registry:"+name+":"+uuid.NewString(), "Check of registry "+name)
	run, err := c.Temporal.ExecuteWorkflow(ctx, options, workflows.CheckRegistry, name)
	if err != nil {
		return report, workflows.Restore(err)
	}
	err = workflows.Restore(run.Get(ctx, &report))
	return report, err
}

// RegistryStatus asks the poller of a registry what it knows.
func (c Client) RegistryStatus(ctx context.Context, registry string) (state workflows.RegistryState, err error) {
	answer, err := c.Temporal.QueryWorkflow(ctx, workflows.WatchRegistryID(registry), "", workflows.QueryStatus)
	if err != nil {
		return state, workflows.Restore(err)
	}
	err = answer.Get(&state)
	return state, err
}

// PlanRepository has a worker tell what watching a repository would come to.
func (c Client) PlanRepository(ctx context.Context, repository taglist.Repository) (plan taglist.Plan, err error) {
	options := options("plan-repository:"+repository.Name.String()+":"+uuid.NewString(), "What watching "+repository.Name.String()+" would come to")
	run, err := c.Temporal.ExecuteWorkflow(ctx, options, workflows.PlanRepository, repository)
	if err != nil {
		return plan, workflows.Restore(err)
	}
	err = workflows.Restore(run.Get(ctx, &plan))
	return plan, err
}

// TestEndpoint has a worker send a sample notification to an endpoint, and
// returns what came of it.
func (c Client) TestEndpoint(ctx context.Context, name string, t notification.Type) (result delivery.TestResult, err error) {
	options := options("test-endpoint:"+name+":"+uuid.NewString(), "Sample notification to endpoint "+name)
	run, err := c.Temporal.ExecuteWorkflow(ctx, options, workflows.TestEndpoint, delivery.TestRequest{Endpoint: name, Type: t})
	if err != nil {
		return result, workflows.Restore(err)
	}
	err = workflows.Restore(run.Get(ctx, &result))
	return result, err
}
