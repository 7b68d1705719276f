package policies

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func acceptListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list accepted risks",
		UsageText:   "tagwatch accept list [options]",
		Description: "   tagwatch accept list\n   tagwatch accept list --all -o csv",
		Flags:       append([]cli.Flag{&cli.BoolFlag{Name: "all", Usage: "also those that ended or were revoked"}}, session.ListFlags()...),
		Action:      session.Bare(acceptList),
	}
}

func acceptList(ctx context.Context, s *session.Session) error {
	listed, err := operations.All(func(page operations.Page) ([]operations.ListedAcceptance, string, error) {
		list, err := operations.ListAcceptances.Run(ctx, s.System(), operations.AcceptancesRequest{All: s.Bool("all"), Page: page})
		return list.Acceptances, list.Next, err
	})
	if err != nil {
		return err
	}
	return session.ShowRows(s, session.Rows[operations.ListedAcceptance]{Items: listed, Name: func(v operations.ListedAcceptance) string { return strconv.FormatInt(v.ID, 10) }, People: func(w io.Writer, views []operations.ListedAcceptance) {
		if len(views) == 0 {
			s.Say("No accepted risk")
			return
		}
		t := output.NewTable("ID", "VULNERABILITY", "PACKAGE", "SUBJECT", "UNTIL", "STATE", "COVERS", "OWNER", "REASON").Drop("OWNER", "PACKAGE", "SUBJECT")
		for _, v := range views {
			t.Row(output.Ordinary, strconv.FormatInt(v.ID, 10), v.Vulnerability, output.Dash(v.Package), output.Dash(v.Subject), v.Until, string(v.State), strconv.Itoa(v.Covered), output.Dash(v.Owner), v.Reason)
		}
		t.Write(w)
	}})
}

func acceptShowCommand() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "show an accepted risk and what it is for",
		UsageText:   "tagwatch accept show ID|VULNERABILITY [options]",
		Description: "   tagwatch accept show 3\n   tagwatch accept show CVE-2026-1234 -o json",
		Flags:       []cli.Flag{session.OutputFlag()},
		Action:      session.One("ID", acceptShow),
	}
}

func acceptShow(ctx context.Context, s *session.Session, id string) error {
	shown, err := operations.ShowAcceptance.Run(ctx, s.System(), operations.AcceptanceID{ID: id})
	if err != nil {
		return err
	}
	return s.Show(shown, func(w io.Writer) { writeAcceptance(s, w, shown) })
}

func writeAcceptance(s *session.Session, w io.Writer, a operations.ShownAcceptance) {
	var p output.Pairs
	p.Add("Acceptance", strconv.FormatInt(a.ID, 10))
	p.Add("Vulnerability", strings.Join(append([]string{a.Vulnerability}, a.Aliases...), ", "))
	p.Add("Package", a.Package)
	p.Add("Subject", a.Subject)
	p.Add("State", string(a.State))
	p.Add("Until", a.Until)
	p.Add("Reason", a.Reason)
	p.Add("Owner", a.Owner)
	for _, step := range []struct {
		name, by string
		at       time.Time
	}{{"Accepted", a.By, a.Created}, {"Extended", a.ExtendedBy, a.Extended}, {"Revoked", a.RevokedBy, a.Revoked}} {
		if !step.at.IsZero() {
			p.Add(step.name, s.Ago(step.at)+" by "+step.by)
		}
	}
	p.Write(w)
	if len(a.Findings) == 0 {
		s.Say("No watched tag has it now")
		return
	}
	fmt.Fprintln(w)
	t := output.NewTable("TAG", "VULNERABILITY", "PACKAGE", "VERSION", "SEVERITY", "COVERED").Drop("VERSION")
	for _, f := range a.Findings {
		t.Row(output.SeverityStyle(f.Severity), f.Tag, f.Vulnerability, f.Package, f.Version, string(f.Severity), output.Yes(f.Covered))
	}
	t.Write(w)
}
