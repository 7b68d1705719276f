package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/polling"
)

// TypeCheckRegistry is the name of the workflow type CheckRegistry.
const TypeCheckRegistry = "CheckRegistry"

// CheckRegistry has a worker say how it speaks to a registry, and try it.
func CheckRegistry(ctx workflow.Context, name string) (polling.Report, error) {
	return call(ctx, asked, "check "+name, Activities.CheckRegistry, name)
}
