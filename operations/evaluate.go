package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Evaluate evaluates the last analyzed image of a tag now, without notifying anybody.
var Evaluate = Operation[EvaluateRequest, Evaluation]{Name: "evaluate", Summary: "Evaluate a tag's last analyzed image against a policy bundle",
	Method: http.MethodPost, Path: "/evaluations", Scope: token.Read, Large: true, do: evaluate}

// EvaluateRequest names a tag and a bundle: a stored one, or one that is given.
type EvaluateRequest struct {
	Ref      string `json:"ref" minLength:"1" maxLength:"600" doc:"The tag." example:"docker.io/library/nginx:1.27"`
	Platform string `json:"platform,omitempty" maxLength:"100" doc:"The os/arch that it is watched for; linux/amd64 by default."`
	Policy   string `json:"policy,omitempty" maxLength:"255" doc:"Id of a stored bundle; the active one by default."`
	// Bundle is a bundle in Anchore's format.
	Bundle json.RawMessage `json:"bundle,omitempty" doc:"A bundle to evaluate against, instead of a stored one."`
	// Document adds the result document of Anchore Engine.
	Document bool `json:"document,omitempty" doc:"Also return the result document of Anchore Engine."`
}

// Evaluation is the outcome.
type Evaluation struct {
	Target   image.Target  `json:"target"`
	Coverage vuln.Coverage `json:"coverage"`
	// Current is set if the tag points to another image, which is not analyzed.
	Current *NotAnalyzed `json:"current,omitempty"`
	policy.Evaluation
	Document json.RawMessage `json:"document,omitempty"`
}

func evaluate(ctx context.Context, s *System, request EvaluateRequest) (Evaluation, error) {
	none := Evaluation{}
	known, err := s.matched(ctx, TagRequest{Ref: request.Ref, Platform: request.Platform})
	if err != nil {
		return none, err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return none, err
	}
	bundle, err := s.bundle(ctx, PolicyChoice{request.Policy, request.Bundle})
	if err != nil {
		return none, err
	}
	input, err := kept.Subject(ctx, known.Target, known.Analyzed)
	if err != nil {
		return none, err
	}
	if err := kept.AddScores(ctx, bundle, input); err != nil {
		return none, err
	}
	outcome, err := policy.Evaluate(ctx, bundle, input, s.Now)
	if err != nil {
		return none, err
	}
	done := Evaluation{Target: known.Target, Coverage: input.Feed.Coverage, Current: notAnalyzed(known), Evaluation: outcome}
	if request.Document {
		if !s.Bounds.Whole() && len(request.Bundle) == 0 {
			bundle = nil // a stored one names tags of the whole installation, as show-policy says
		}
		done.Document, err = policy.Document(outcome, bundle, s.Account)
	}
	return done, err
}

// storedBundle is the content of a stored bundle: of the active one without an id, which
// is the default one until another is activated, as for a worker.
func storedBundle(ctx context.Context, kept *store.Store, id string) ([]byte, error) {
	if id != "" {
		stored, err := kept.Bundle(ctx, id)
		if errors.Is(err, errkind.NotFound) {
			err = notFound("see: tagwatch policy list", "bundle %s not found", id)
		}
		return stored.Document, err
	}
	stored, err := kept.ActiveBundle(ctx)
	switch {
	case errors.Is(err, errkind.NotFound):
		return policy.Default().MarshalJSON()
	case err != nil:
		return nil, fmt.Errorf("read the active bundle: %w", err)
	}
	return stored.Document, nil
}
