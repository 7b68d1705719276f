package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/taglist"
)

// TypePlanRepository is the name of the workflow type PlanRepository, and PlanRepositoryID
// begins the ids of its workflows.
const (
	TypePlanRepository = "PlanRepository"
	PlanRepositoryID   = "plan-repository"
)

// planning is for a list that a person waits for: it may be long.
var planning = workflow.ActivityOptions{
	StartToCloseTimeout: 10 * time.Minute,
	HeartbeatTimeout:    time.Minute,
	RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, MaximumInterval: 5 * time.Second, MaximumAttempts: 3},
}

// PlanRepository reports which tags would be watched in a repository, for a person who
// waits. It changes nothing.
func PlanRepository(ctx workflow.Context, repository taglist.Repository) (taglist.Plan, error) {
	return call(ctx, planning, "list the tags", Activities.PlanRepository, repository)
}
