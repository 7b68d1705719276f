package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/polling"
)

// TypeCheckRegistry is the name of the workflow type CheckRegistry.
const TypeCheckRegistry = "CheckRegistry"

// CheckRegistry has a worker report its settings for a registry and whether it can reach
// it, for a person who waits. It changes nothing.
func CheckRegistry(ctx workflow.Context, name string) (polling.Report, error) {
	return call(ctx, interactive, "check the settings and the connection of "+name, Activities.CheckRegistry, name)
}
