package workflows

import (
	"context"

	"github.com/google/uuid"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// TypeCheckRegistry is the name of the workflow type CheckRegistry.
const TypeCheckRegistry = "CheckRegistry"

// CheckRegistry has a worker say how it speaks to a registry, and try it.
func CheckRegistry(ctx workflow.Context, name string) (watch.RegistryReport, error) {
	return call(ctx, asked, "check "+name, Activities.CheckRegistry, name)
}

// CheckRegistry has a worker say how it speaks to a registry, given by its host
// or by a tag of it, and returns what came of trying it.
func (c Client) CheckRegistry(ctx context.Context, name string) (report watch.RegistryReport, err error) {
	options := options("check-registry:"+name+":"+uuid.NewString(), "Check of registry "+name)
	run, err := c.Temporal.ExecuteWorkflow(ctx, options, CheckRegistry, name)
	if err != nil {
		return report, Restore(err)
	}
	err = Restore(run.Get(ctx, &report))
	return report, err
}

// RegistryStatus asks the poller of a registry what it knows.
func (c Client) RegistryStatus(ctx context.Context, registry string) (state RegistryState, err error) {
	answer, err := c.Temporal.QueryWorkflow(ctx, WatchRegistryID(registry), "", QueryStatus)
	if err != nil {
		return state, Restore(err)
	}
	err = answer.Get(&state)
	return state, err
}
