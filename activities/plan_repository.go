package activities

import (
	"context"
	"errors"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// PlanRepository lists a repository's tags and reports which of them would be
// watched with those settings, and why, and what that would change if it is
// watched already. It stores nothing.
func (a *Activities) PlanRepository(ctx context.Context, repository taglist.Repository) (taglist.Plan, error) {
	defer heartbeat(ctx, func() any { return "listing tags" })()
	plan, err := a.plan(ctx, repository)
	return plan, classifyAsked(err)
}

func (a *Activities) plan(ctx context.Context, repository taglist.Repository) (taglist.Plan, error) {
	_, state, err := a.Store.Repository(ctx, repository.Name)
	watched := &state
	if errors.Is(err, errkind.NotFound) {
		watched, err = nil, nil
	}
	if err != nil {
		return taglist.Plan{}, err
	}
	tags, err := a.tags(ctx, repository.Name)
	if err != nil {
		return taglist.Plan{}, err
	}
	names, err := a.Store.WatchedNames(ctx, repository.Name)
	if err != nil {
		return taglist.Plan{}, err
	}
	return repository.Explain(tags, watched, names)
}
