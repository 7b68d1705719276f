package policies

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

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
	return savePolicy(ctx, s, bundle, operations.PolicyChange{Activate: s.Bool("activate")}, " stored")
}

// savePolicy stores the content of a bundle and, if that changes what is active, follows the
// evaluation of the tags. done is what people read.
func savePolicy(ctx context.Context, s *session.Session, bundle *policy.Bundle, request operations.PolicyChange, done string) error {
	document, err := bundle.MarshalJSON()
	if err != nil {
		return err
	}
	request.Text = string(document)
	saved, err := operations.SavePolicy.Run(ctx, s.System(), request)
	if err != nil {
		return err
	}
	if s.ForPeople() {
		fmt.Fprintf(s.Out, "Bundle %s%s (%s)\n", saved.ID, done, output.Short(saved.Hash))
	}
	if saved.Task != nil {
		return followActivation(ctx, s, saved.ID, *saved.Task)
	}
	return s.Show(saved.Bundle, func(io.Writer) {
		if !saved.Active {
			s.Say("The bundle is not active; activate it with: tagwatch policy activate %s", saved.ID)
		}
	})
}
