package policies

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func policyListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list stored bundles",
		UsageText:   "tagwatch policy list [options]",
		Description: "   tagwatch policy list\n   tagwatch policy list -o json",
		Flags:       session.ListFlags(),
		Action:      session.Bare(policyList),
	}
}

func policyList(ctx context.Context, s *session.Session) error {
	all, err := operations.All(func(page operations.Page) ([]operations.Bundle, string, error) {
		list, err := operations.ListPolicies.Run(ctx, s.System(), operations.PoliciesRequest{Page: page})
		return list.Bundles, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.Bundle]{Items: all, Name: func(v operations.Bundle) string { return v.ID }, People: func(w io.Writer, all []operations.Bundle) { writeBundles(s, w, all) }})
}

func writeBundles(s *session.Session, w io.Writer, views []operations.Bundle) {
	if len(views) == 0 {
		s.Say("No bundle is stored yet; add one with: tagwatch policy add FILE")
		return
	}
	t := output.NewTable("ID", "NAME", "ACTIVE", "HASH", "UPDATED").Drop("HASH", "UPDATED")
	for _, v := range views {
		t.Row(output.Ordinary, v.ID, v.Name, output.Yes(v.Active), output.Short(v.Hash), s.Ago(v.Updated))
	}
	t.Write(w)
}

func policyGetCommand() *cli.Command {
	return &cli.Command{
		Name:        "get",
		Usage:       "print a bundle",
		UsageText:   "tagwatch policy get [ID] [--version N]",
		Description: "Prints the bundle as it was added; the active one without ID.\n\n   tagwatch policy get > bundle.json\n   tagwatch policy get strict --version 3",
		Flags:       []cli.Flag{&cli.IntFlag{Name: "version", Usage: "`number` of an earlier version"}},
		Action:      session.Action(policyGet),
	}
}

func policyGet(ctx context.Context, s *session.Session) error {
	request := operations.PolicyRequest{Version: s.Int("version"), AsText: true}
	if s.IsSet("version") && request.Version < 1 {
		return &operations.InvalidValue{Field: "version", Value: request.Version, Expected: "1 or more"}
	}
	if s.Args().Present() {
		var err error
		if request.ID, err = s.Argument("ID"); err != nil {
			return err
		}
	}
	content, err := operations.ShowPolicy.Run(ctx, s.System(), request)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s\n", content.Text)
	return err
}

func policyDeleteCommand() *cli.Command {
	return &cli.Command{
		Name:        "delete",
		Usage:       "delete an inactive bundle",
		UsageText:   "tagwatch policy delete ID",
		Description: "   tagwatch policy delete 2c53a13c-1765-11e8-82ef-23527761d060",
		Action:      session.One("ID", policyDelete),
	}
}

func policyDelete(ctx context.Context, s *session.Session, id string) error {
	deleted, err := operations.DeletePolicy.Run(ctx, s.System(), operations.PolicyRemoval{ID: id})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "Bundle %s deleted\n", deleted.ID)
	return nil
}
