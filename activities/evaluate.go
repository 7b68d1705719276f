package activities

import (
	"context"
	"errors"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// policyStore keeps policy bundles.
type policyStore interface {
	ActiveBundle(ctx context.Context) (policy.StoredBundle, error)
	BundleContent(ctx context.Context, hash string) ([]byte, error)
	ActivateBundle(ctx context.Context, id string, now time.Time) (changed bool, err error)
	// Subject is everything a bundle is evaluated for.
	Subject(ctx context.Context, target image.Target, digest image.Digest) (*policy.Input, error)
	// AddScores adds the EPSS scores that the bundle reads.
	AddScores(ctx context.Context, bundle *policy.Bundle, input *policy.Input) error
}

// evaluate adds the outcome of the active bundle. Until the image is matched
// there is none: an image of which nothing is known neither passes nor fails.
func (a *Activities) evaluate(ctx context.Context, seen *watch.Seen, view watch.RecordView, subject *policy.Input) error {
	if view.Bundle == "" || !subject.Matched {
		return nil
	}
	bundle, content, err := a.bundle(ctx, view.Bundle)
	if err != nil {
		return err
	}
	if err := a.Store.AddScores(ctx, bundle, subject); err != nil {
		return err
	}
	if err := a.askRegistries(ctx, bundle, subject); err != nil {
		// Nothing is concluded from a registry that does not answer: the last
		// outcome, and the bundle it was of, stand until it does; that they are old is a
		// problem.
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if seen.Problem == nil {
			seen.Problem = problem(condition.StageEvaluate, err, view.State.Problem, a.now())
		}
		a.Log.WarnContext(ctx, "package registry not queried, evaluation postponed", "image", subject.Inventory.Digest, "error", err)
		seen.Basis.Bundle, seen.Next = view.State.Basis.Bundle, a.now().Add(putOff)
		return nil
	}
	evaluation, err := policy.Evaluate(ctx, bundle, subject, a.now())
	if err != nil {
		return err
	}
	document, err := policy.Document(evaluation, bundle, a.Account.Name)
	if err != nil {
		return err
	}
	seen.Bundle, seen.Next = content, evaluation.Next
	seen.Evaluation = &watch.Evaluation{Digest: seen.Analyzed, Bundle: view.Bundle, Status: evaluation.Status,
		FinalAction: evaluation.FinalAction, Document: watch.WithoutBundle(document)}
	return a.lastBundle(ctx, seen, view)
}

// bundle is a stored bundle, parsed. The last one is kept: parsing takes longer
// than an evaluation, and nearly all evaluations are of the active bundle.
func (a *Activities) bundle(ctx context.Context, hash string) (*policy.Bundle, []byte, error) {
	if kept := a.parsed.Load(); kept != nil && kept.hash == hash {
		return kept.bundle, kept.content, nil
	}
	content, err := a.Store.BundleContent(ctx, hash)
	if err != nil {
		return nil, nil, err
	}
	// Faults of a stored bundle become problems of its evaluations.
	bundle, _ := policy.Parse(content)
	a.parsed.Store(&parsedBundle{hash: hash, bundle: bundle, content: content})
	return bundle, content, nil
}

// parsedBundle is a bundle by its hash; nothing of it changes.
type parsedBundle struct {
	hash    string
	bundle  *policy.Bundle
	content []byte
}

// lastBundle adds the bundle of the last evaluation, which a notification shows
// beside the present one.
func (a *Activities) lastBundle(ctx context.Context, seen *watch.Seen, view watch.RecordView) error {
	last := view.State.Evaluation
	if last == nil {
		return nil
	}
	if last.Bundle == view.Bundle {
		seen.LastBundle = seen.Bundle
		return nil
	}
	content, err := a.Store.BundleContent(ctx, last.Bundle)
	if errors.Is(err, errkind.NotFound) {
		return nil
	}
	seen.LastBundle = content
	return err
}
