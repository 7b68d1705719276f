package operations

import (
	"context"
	"net/http"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/workflows"
)

// ActivatePolicy makes a stored bundle the active one, and has all tags evaluated against
// it. An activation that is under way is not disturbed: this one follows it.
var ActivatePolicy = Operation[PolicyID, Task]{Name: "activate-policy", Summary: "Activate a stored bundle, and evaluate all tags against it",
	Method: http.MethodPost, Path: "/policies/activate", Scope: token.Admin, Whole: true, Accepted: true, Creates: true, do: activatePolicy}

// PolicyID names a stored bundle.
type PolicyID struct {
	ID string `json:"id" minLength:"1" maxLength:"255" doc:"Id of the bundle." example:"2c53a13c-1765-11e8-82ef-23527761d060"`
}

// Activation is the result of an activation.
type Activation struct {
	// Changed is false if the bundle with its content was active before.
	Changed bool `json:"changed"`
	// Evaluated tags are up to date with the bundle, or are evaluated by their workflows.
	Evaluated int `json:"tags_evaluated"`
}

func activatePolicy(ctx context.Context, s *System, request PolicyID) (Task, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return Task{}, err
	}
	return s.begin(ctx, "activate bundle "+request.ID, func(ctx context.Context, c client.Client) (client.Run, error) {
		if _, err := kept.Bundle(ctx, request.ID); err != nil {
			return client.Run{}, noBundle(request.ID, err)
		}
		return c.ApplyPolicy(ctx, request.ID)
	})
}

func readActivation(await func(any) error) (TaskResult, error) {
	var applied workflows.Applied
	err := await(&applied)
	return TaskResult{Activation: &Activation{applied.Changed, applied.Evaluated}}, err
}
