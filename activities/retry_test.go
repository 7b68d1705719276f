package activities_test

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
)

// answerLost runs a step of that name whose worker is killed after its first
// write, and which Temporal therefore runs again. It returns what the second
// run answers.
func answerLost[Out any](r *rig, name string, in any) Out {
	r.Helper()
	whole := r.steps.Store
	r.steps.Store = &mortal{Store: r.store, at: 1, after: true}
	defer func() { r.steps.Store = whole }()
	var out Out
	step := func(ctx workflow.Context) error {
		options := workflow.ActivityOptions{StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second}}
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), name, in).Get(ctx, &out)
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.DiscardHandler))
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivityWithOptions(r.steps, activity.RegisterOptions{SkipInvalidStructFunctions: true})
	env.RegisterWorkflow(step)
	env.ExecuteWorkflow(step)
	r.must(env.GetWorkflowError())
	return out
}

// interrupted is a store under which something else happens while a step
// gathers what it evaluates.
type interrupted struct {
	*mortal
	during func() // once
}

func (s *interrupted) Subject(ctx context.Context, target image.Target, digest image.Digest) (*policy.Input, error) {
	subject, err := s.mortal.Subject(ctx, target, digest)
	if during := s.during; during != nil {
		s.during = nil
		during()
	}
	return subject, err
}

// interrupt has something happen during the next evaluation.
func (r *rig) interrupt(during func()) {
	r.steps.Store = &interrupted{mortal: &mortal{Store: r.store}, during: during}
}
