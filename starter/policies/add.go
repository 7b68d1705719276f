package policies

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func policyAddCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add or update a bundle",
		UsageText: "tagwatch policy add FILE|- [--activate]",
		Description: `Validates the whole bundle and lists each error with its place; an invalid bundle is
not stored. A bundle replaces the stored one with the same id. A change of the
active bundle applies to all watched tags at once.

   tagwatch policy add bundle.json
   tagwatch policy add bundle.json --activate
   curl -s https://example.com/bundle.json | tagwatch policy add -`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "activate", Aliases: []string{"a"}, Usage: "make it the active bundle"}, session.OutputFlag()},
		Action: session.One("FILE", policyAdd),
	}
}

func policyAdd(ctx context.Context, s *session.Session, file string) error {
	bundle, err := arguments.ParseBundle(s, file)
	if err != nil {
		return err
	}
	before, err := storedBundle(ctx, s, bundle.ID)
	if err != nil {
		return err
	}
	apply := s.Bool("activate") || before.Active && before.Hash != bundle.Hash()
	if apply { // nothing is stored that could not be applied
		if _, err := s.Temporal(ctx); err != nil {
			return err
		}
	}
	if err := saveBundle(ctx, s, bundle, "", ""); err != nil {
		return err
	}
	if s.ForPeople() {
		fmt.Fprintf(s.Out, "Bundle %s stored (%s)\n", bundle.ID, output.Short(bundle.Hash()))
	}
	if apply {
		return activate(ctx, s, bundle.ID)
	}
	return showAdded(ctx, s, bundle.ID)
}

// storedBundle is zero for a bundle that is not stored.
func storedBundle(ctx context.Context, s *session.Session, id string) (policy.StoredBundle, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return policy.StoredBundle{}, err
	}
	stored, err := kept.Bundle(ctx, id)
	if errors.Is(err, errkind.NotFound) {
		return policy.StoredBundle{}, nil
	}
	return stored, err
}

func saveBundle(ctx context.Context, s *session.Session, bundle *policy.Bundle, base, note string) error {
	document, err := bundle.MarshalJSON()
	if err != nil {
		return err
	}
	return s.Stored.SaveBundle(ctx, policy.StoredBundle{ID: bundle.ID, Name: bundle.Name, Hash: bundle.Hash(), Document: document, Base: base, Note: note}, s.Now)
}

func showAdded(ctx context.Context, s *session.Session, id string) error {
	stored, err := s.Stored.Bundle(ctx, id)
	if err != nil {
		return err
	}
	return s.Show(operations.BundleOf(stored), func(io.Writer) {
		if !stored.Active {
			s.Say("The bundle is not active; activate it with: tagwatch policy activate %s", id)
		}
	})
}
