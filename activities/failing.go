package activities

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// failingStore keeps whose steps keep failing, apart from everything that those steps
// write.
type failingStore interface {
	FailingStep(ctx context.Context, kind watch.WatcherKind, name string) (*watch.Problem, error)
	NoteFailing(ctx context.Context, failing watch.Failing) error
}

// NoteFailing keeps that the steps of something keep failing, or succeed again, and
// tells the event log each once.
func (a *Activities) NoteFailing(ctx context.Context, failing watch.Failing) error {
	before, err := a.Store.FailingStep(ctx, failing.Kind, failing.Name)
	if err != nil {
		return classify(err)
	}
	kept, turn := watch.DecideFailing(before, failing.Problem)
	if err := a.notifyFailing(ctx, failing, before, turn); err != nil {
		return classify(err)
	}
	if kept == nil && before == nil {
		return nil
	}
	return classify(a.Store.NoteFailing(ctx, watch.Failing{Kind: failing.Kind, Name: failing.Name, Problem: kept}))
}

func (a *Activities) notifyFailing(ctx context.Context, failing watch.Failing, before *watch.Problem, turn watch.StepTurn) error {
	resource := notification.Resource{ID: failing.Name, Kind: resourceKinds[failing.Kind]}
	switch turn {
	case watch.StepsFail:
		return a.log(ctx, notification.Logged{Event: "system.step.failing", Level: notification.LevelError,
			Message: "The step " + string(failing.Problem.Stage) + " keeps failing: " + failing.Problem.Message,
			Details: map[string]any{"stage": failing.Problem.Stage}, Resource: resource}, since(failing.Problem.Since))
	case watch.StepsRecover:
		return a.log(ctx, notification.Logged{Event: "system.step.recovered", Level: notification.LevelInfo,
			Message: "All steps succeed again",
			Details: map[string]any{"stage": before.Stage, "failing_since": before.Since}, Resource: resource}, since(before.Since))
	}
	return nil
}

// resourceKinds are the kinds in the event log's words.
var resourceKinds = map[watch.WatcherKind]string{
	watch.TagWatcher: "image_tag", watch.RegistryWatcher: "registry", watch.RepositoryWatcher: "repository",
	watch.EndpointWatcher: "endpoint", watch.Task: "task",
}
