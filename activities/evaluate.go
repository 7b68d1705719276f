package activities

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

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
func (a *Activities) evaluate(ctx context.Context, seen *assessment, view watch.RecordView, subject *policy.Input, now time.Time) error {
	if view.Bundle == "" || !subject.Matched {
		return nil
	}
	parsed, err := a.bundle(ctx, view.Bundle)
	if err != nil {
		return err
	}
	if err := a.Store.AddScores(ctx, parsed.bundle, subject); err != nil {
		return err
	}
	if err := a.askRegistries(ctx, parsed.bundle, subject); err != nil {
		// Nothing is concluded from a registry that does not answer: the last
		// outcome, and the bundle it was of, stand until it does; that they are old is a
		// problem.
		a.Log.WarnContext(ctx, "package registry not queried, evaluation postponed", "image", subject.Inventory.Digest, "error", err)
		seen.postponed = err
		return ctx.Err()
	}
	evaluation, err := policy.Evaluate(ctx, parsed.bundle, subject, now)
	seen.Bundle, seen.evaluation = parsed.content, &evaluation
	if next := evaluation.Next; seen.Next.IsZero() || !next.IsZero() && next.Before(seen.Next) {
		seen.Next = next
	}
	return err
}

// parsedBundle is a bundle by its hash; nothing of it changes.
type parsedBundle struct {
	hash    string
	bundle  *policy.Bundle
	content []byte
}

// keptBundles is how many bundles are kept parsed: nearly all outcomes are of the active
// one, or of the one before.
const keptBundles = 3

// bundle is a stored bundle, parsed: parsing takes longer than an evaluation.
func (a *Activities) bundle(ctx context.Context, hash string) (parsedBundle, error) {
	a.parsing.Lock()
	defer a.parsing.Unlock()
	if at := slices.IndexFunc(a.parsed, func(p parsedBundle) bool { return p.hash == hash }); at >= 0 {
		return a.parsed[at], nil
	}
	content, err := a.Store.BundleContent(ctx, hash)
	if err != nil {
		return parsedBundle{}, err
	}
	// Faults of a stored bundle become problems of its evaluations.
	bundle, _ := policy.Parse(content)
	parsed := parsedBundle{hash, bundle, content}
	a.parsed = append(a.parsed[max(0, len(a.parsed)-keptBundles+1):], parsed)
	return parsed, nil
}

// bundleContent is the bundle of an earlier outcome, which a notification shows beside
// the present one; nil if there is none any more.
func (a *Activities) bundleContent(ctx context.Context, hash string) (json.RawMessage, error) {
	if hash == "" {
		return nil, nil
	}
	parsed, err := a.bundle(ctx, hash)
	if errors.Is(err, errkind.NotFound) {
		return nil, nil
	}
	return parsed.content, err
}
