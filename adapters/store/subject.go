package store

import (
	"context"
	"errors"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// Subject is everything that a bundle is evaluated for, of one moment: an image
// as a target's; errkind.NotFound if no analysis of the image succeeded.
func (s *Store) Subject(ctx context.Context, target image.Target, digest image.Digest) (*policy.Input, error) {
	subject := &policy.Input{Reference: target.Reference}
	err := s.view(ctx, "read all about "+string(digest), func(t tx) error {
		row, err := t.image(ctx, digest)
		if err != nil {
			return err
		}
		document, err := t.imageDocument(ctx, row.ID, kindInventory)
		if err != nil {
			return err
		}
		inventory, err := unpackExact[sbom.Inventory](document)
		if err != nil {
			return err
		}
		subject.Inventory = &inventory
		if err := t.addDockerfile(ctx, target, subject); err != nil {
			return err
		}
		if err := t.addFailure(ctx, target, subject); err != nil {
			return err
		}
		if err := t.addAcceptances(ctx, digest, subject); err != nil {
			return err
		}
		return t.addMatches(ctx, row, subject)
	})
	if err != nil {
		return nil, err
	}
	return subject, nil
}

// addDockerfile puts the Dockerfile that a subscription came with in the place
// of the one inferred from the image's history.
func (t tx) addDockerfile(ctx context.Context, target image.Target, subject *policy.Input) error {
	subscriptions, err := t.subscriptions(ctx, subscription.Filter{Target: &target, ActiveOnly: true})
	if err != nil {
		return err
	}
	if text := subscription.Dockerfile(subscriptions); text != "" {
		subject.Inventory.Dockerfile = sbom.Dockerfile{Text: text, Actual: true}
	}
	return nil
}

// addFailure adds why the image that the target points to could not be analyzed or
// matched.
func (t tx) addFailure(ctx context.Context, target image.Target, subject *policy.Input) error {
	row, found, err := first[stateRow](ctx, t, `SELECT target, `+stateColumns+` FROM target_state WHERE target = ?`, target.String())
	if err != nil || !found {
		return err
	}
	state, err := row.state()
	if err != nil {
		return err
	}
	problem := state.Problem
	if problem == nil || problem.Stage != condition.StageMatch {
		newest, err := t.image(ctx, state.Resolved.Manifest)
		if errors.Is(err, errkind.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if problem, err = parseOptional[condition.Problem](newest.Problem); err != nil {
			return err
		}
	}
	subject.Failed = watch.FailedImage(problem, state.Resolved.Manifest)
	return nil
}

// addAcceptances adds those that are for the reference and name a vulnerability of the image.
func (t tx) addAcceptances(ctx context.Context, digest image.Digest, subject *policy.Input) error {
	accepted, err := t.acceptances(ctx)
	if err != nil {
		return err
	}
	concerned, err := t.concerned(ctx, accepted, []string{string(digest)})
	subject.Acceptances = concerned.of(string(digest), acceptance.For(accepted, subject.Reference))
	return err
}

// addMatches adds the vulnerabilities, if they are known, and what they were
// matched with.
func (t tx) addMatches(ctx context.Context, row imageRow, subject *policy.Input) error {
	build, err := t.currentBuild(ctx)
	if err != nil {
		return err
	}
	subject.Feed = policy.Feed{Built: build.Built}
	if subject.Feed.Coverage, _, err = t.coverage(ctx, row.Distribution); err != nil {
		return err
	}
	if subject.Matched, err = t.matched(ctx, row); err != nil || !subject.Matched {
		return err
	}
	subject.Matches, err = t.matches(ctx, row)
	return err
}
