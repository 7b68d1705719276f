package policies

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

// acceptanceView is an acceptance for programs.
type acceptanceView struct {
	ID            int64            `json:"id"`
	Vulnerability string           `json:"vulnerability"`
	Aliases       []string         `json:"aliases"`
	Package       string           `json:"package,omitempty"`
	Subject       string           `json:"subject,omitempty"`
	Until         string           `json:"until"` // RFC 3339, or fixed
	State         acceptance.State `json:"state"`
	Reason        string           `json:"reason"`
	Owner         string           `json:"owner,omitempty"`
	By            string           `json:"accepted_by"`
	Created       time.Time        `json:"accepted"`
	ExtendedBy    string           `json:"extended_by,omitempty"`
	Extended      time.Time        `json:"extended,omitzero"`
	RevokedBy     string           `json:"revoked_by,omitempty"`
	Revoked       time.Time        `json:"revoked,omitzero"`
}

func acceptanceViewOf(a acceptance.Acceptance, now time.Time) acceptanceView {
	return acceptanceView{a.ID, a.Vulnerability, append([]string{}, a.Aliases...), a.Package, a.Subject, untilText(a), a.State(now), a.Reason, a.Owner,
		a.By, a.Created, a.ExtendedBy, a.Extended, a.RevokedBy, a.Revoked}
}

func untilText(a acceptance.Acceptance) string {
	if a.UntilFixed() {
		return "fixed"
	}
	return a.Until.UTC().Format(time.RFC3339)
}

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

// listedAcceptance is an acceptance with how many findings of watched tags it covers now, for
// programs.
type listedAcceptance struct {
	acceptanceView
	Covered int `json:"covered"`
}

func acceptList(ctx context.Context, s *session.Session) error {
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	all, err := kept.Acceptances(ctx)
	if err != nil {
		return err
	}
	views := []listedAcceptance{}
	for _, a := range all {
		if !s.Bool("all") && a.State(s.Now) != acceptance.Active {
			continue
		}
		findings, err := acceptedFindings(ctx, s, a)
		if err != nil {
			return err
		}
		covered := 0
		for _, f := range findings {
			if f.Covered {
				covered++
			}
		}
		views = append(views, listedAcceptance{acceptanceViewOf(a, s.Now), covered})
	}
	return session.ShowRows(s, session.Rows[listedAcceptance]{Items: views, Name: func(v listedAcceptance) string { return strconv.FormatInt(v.ID, 10) }, People: func(w io.Writer, views []listedAcceptance) {
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

// shownAcceptance is an acceptance with the findings that it is for, for programs.
type shownAcceptance struct {
	acceptanceView
	Findings []acceptedFinding `json:"findings"`
}

// acceptedFinding is a finding of a watched tag that an acceptance is for.
type acceptedFinding struct {
	Tag           string        `json:"tag"`
	Vulnerability string        `json:"vulnerability"`
	Package       string        `json:"package"`
	Version       string        `json:"version"`
	Severity      vuln.Severity `json:"severity"`
	Covered       bool          `json:"covered"`
}

func acceptShow(ctx context.Context, s *session.Session, id string) error {
	a, err := theAcceptance(ctx, s, id)
	if err != nil {
		return err
	}
	findings, err := acceptedFindings(ctx, s, a)
	if err != nil {
		return err
	}
	shown := shownAcceptance{acceptanceViewOf(a, s.Now), findings}
	return s.Show(shown, func(w io.Writer) { writeAcceptance(s, w, shown) })
}

func acceptedFindings(ctx context.Context, s *session.Session, a acceptance.Acceptance) ([]acceptedFinding, error) {
	affected, err := affectedBy(ctx, s.Stored, a)
	findings := []acceptedFinding{}
	for _, t := range affected {
		covered := a.State(s.Now) == acceptance.Active && !(a.UntilFixed() && vuln.Finding{Fix: t.Fix}.HasFix())
		findings = append(findings, acceptedFinding{t.Target.String(), t.ID, t.Package, t.Version, t.Severity, covered})
	}
	return findings, err
}

func writeAcceptance(s *session.Session, w io.Writer, a shownAcceptance) {
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
