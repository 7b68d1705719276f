package policies

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// bundleView is a stored bundle for programs.
type bundleView struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Hash    string    `json:"hash"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

func bundleViewOf(b policy.StoredBundle) bundleView {
	return bundleView{b.ID, b.Name, b.Hash, b.Active, b.Created, b.Updated}
}

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
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	bundles, err := kept.Bundles(ctx)
	if err != nil {
		return err
	}
	views := []bundleView{}
	for _, b := range bundles {
		views = append(views, bundleViewOf(b))
	}
	return session.ShowRows(s, session.Rows[bundleView]{Items: views, Name: func(v bundleView) string { return v.ID }, People: func(w io.Writer, views []bundleView) { writeBundles(s, w, views) }})
}

func writeBundles(s *session.Session, w io.Writer, views []bundleView) {
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
	if s.IsSet("version") {
		kept, err := optionalBundle(ctx, s)
		if err != nil {
			return err
		}
		document, err := versionContent(ctx, s, kept, s.Int("version"))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(s.Out, "%s\n", document)
		return err
	}
	id := ""
	if s.Args().Present() {
		var err error
		if id, err = s.Argument("ID"); err != nil {
			return err
		}
	}
	document, err := bundleDocument(ctx, s, id)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s\n", document)
	return err
}

func bundleDocument(ctx context.Context, s *session.Session, id string) ([]byte, error) {
	if id == "" {
		active, err := arguments.ActiveBundle(ctx, s)
		if err != nil {
			return nil, err
		}
		return active.MarshalJSON()
	}
	stored, err := storedBundle(ctx, s, id)
	if err == nil && stored.ID == "" {
		err = noBundle(id)
	}
	return stored.Document, err
}

func noBundle(id string) error {
	return exit.Refused("bundle %s not found; see: tagwatch policy list", id)
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
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	err = kept.DeleteBundle(ctx, id)
	switch {
	case errors.Is(err, errkind.NotFound):
		return noBundle(id)
	case errors.Is(err, errkind.Conflict):
		return exit.Refused("bundle %s is active; activate another bundle first", id)
	case err != nil:
		return err
	}
	fmt.Fprintf(s.Out, "Bundle %s deleted\n", id)
	return nil
}
