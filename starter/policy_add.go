package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func policyAddCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "store a bundle, or new content of one",
		UsageText: "tagwatch policy add FILE|- [--activate]",
		Description: `Validates the whole bundle and names the place of each fault; a bundle with
faults is not stored. The id in the bundle decides which one it replaces. New
content of the active bundle is evaluated for all watched tags at once.

   tagwatch policy add bundle.json
   tagwatch policy add bundle.json --activate
   curl -s https://example.com/bundle.json | tagwatch policy add -`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "activate", Aliases: []string{"a"}, Usage: "make it the active bundle"}, outputFlag()},
		Action: action(policyAdd),
	}
}

func policyAdd(ctx context.Context, s *session) error {
	file, err := s.argument("FILE")
	if err != nil {
		return err
	}
	bundle, err := s.parseBundle(file)
	if err != nil {
		return err
	}
	before, err := s.storedBundle(ctx, bundle.ID)
	if err != nil {
		return err
	}
	apply := s.Bool("activate") || before.Active && before.Hash != bundle.Hash()
	if apply { // nothing is stored that could not be applied
		if _, err := s.temporal(ctx); err != nil {
			return err
		}
	}
	if err := s.saveBundle(ctx, bundle); err != nil {
		return err
	}
	if !s.asJSON() {
		fmt.Fprintf(s.out, "Bundle %s is stored (%s)\n", bundle.ID, short(bundle.Hash()))
	}
	if apply {
		return s.activate(ctx, bundle.ID)
	}
	return s.showAdded(ctx, bundle.ID)
}

// storedBundle is zero for a bundle that is not stored.
func (s *session) storedBundle(ctx context.Context, id string) (watch.Bundle, error) {
	kept, err := s.store(ctx)
	if err != nil {
		return watch.Bundle{}, err
	}
	stored, err := kept.Bundle(ctx, id)
	if errors.Is(err, errkind.NotFound) {
		return watch.Bundle{}, nil
	}
	return stored, err
}

func (s *session) saveBundle(ctx context.Context, bundle *policy.Bundle) error {
	document, err := bundle.MarshalJSON()
	if err != nil {
		return err
	}
	return s.stored.SaveBundle(ctx, watch.Bundle{ID: bundle.ID, Name: bundle.Name, Hash: bundle.Hash(), Document: document}, s.now)
}

func (s *session) showAdded(ctx context.Context, id string) error {
	stored, err := s.stored.Bundle(ctx, id)
	if err != nil {
		return err
	}
	return s.show(bundleViewOf(stored), func(io.Writer) {
		if !stored.Active {
			s.say("It is not active; activate it with: tagwatch policy activate %s", id)
		}
	})
}
