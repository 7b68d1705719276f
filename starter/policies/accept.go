package policies

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
	"github.com/tagwatch/tagwatch/workflows"
)

// AcceptCommand accepts risks, which lets findings pass as whitelist items do.
func AcceptCommand() *cli.Command {
	return &cli.Command{
		Name:      "accept",
		Usage:     "accept the risk of a vulnerability for a time, or until there is a fix",
		UsageText: "tagwatch accept VULNERABILITY... --until TIME|fixed --reason TEXT [options]\n   tagwatch accept list|show|extend|revoke",
		Description: `Findings of the vulnerability pass the policies as if a whitelist named them, under
any of its ids: an accepted GHSA covers the CVE, and the other way round. They stay
in lists and in vuln_update, marked as accepted.

With --until fixed, the acceptance covers findings without a fix, and ends for each
when the vulnerability data has one. Otherwise it ends at its time. Both are
notified, with the acceptance in the body.

   tagwatch accept CVE-2026-1234 --until 30d --reason "not reachable"
   tagwatch accept CVE-2026-1234 --until fixed --package openssl --subject 'ghcr.io/web/*' --owner web --reason "no fix"
   tagwatch accept CVE-2026-1234 --until 2027-01-31 --reason "mitigated" --dry-run
   tagwatch accept list
   tagwatch accept extend 3 --until 30d
   tagwatch accept revoke 3`,
		Flags: []cli.Flag{
			untilFlag(),
			&cli.StringFlag{Name: "reason", Usage: "`text` that says why"},
			&cli.StringFlag{Name: "owner", Usage: "`name` of who answers for it"},
			&cli.StringFlag{Name: "package", Usage: "only this package: its `name`, or a package URL with or without versions (default: all)"},
			&cli.StringFlag{Name: "subject", Usage: "only tags of this `pattern` of registry/repository[:tag], with * for any characters (default: all)"},
			dryRunFlag(), session.OutputFlag(),
		},
		Action:      session.Action(accept),
		Subcommands: []*cli.Command{acceptListCommand(), acceptShowCommand(), acceptExtendCommand(), acceptRevokeCommand()},
	}
}

func untilFlag() cli.Flag {
	return &cli.StringFlag{Name: "until", Usage: "`time` at which it ends: 2027-01-31, 2027-01-31T12:00:00Z or 30d; fixed for when there is a fix"}
}

func dryRunFlag() cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Usage: "change nothing; list the watched tags whose status would change"}
}

func accept(ctx context.Context, s *session.Session) error {
	ids, err := s.Arguments("VULNERABILITY...")
	if err != nil {
		return err
	}
	until, err := end(s)
	if err != nil {
		return err
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	var accepted []acceptance.Acceptance
	for _, id := range ids {
		a := acceptance.Acceptance{Vulnerability: id, Package: s.String("package"), Subject: s.String("subject"), Until: until,
			Reason: s.String("reason"), Owner: s.String("owner"), By: person(), Created: s.Now}
		if err := a.Validate(); err != nil {
			return exit.Usage("%s; see %s --help", errkind.Text(err), s.Command.HelpName)
		}
		if a.Aliases, err = kept.Aliases(ctx, id); err != nil {
			return err
		}
		if err := sayCovered(ctx, s, kept, a); err != nil {
			return err
		}
		accepted = append(accepted, a)
	}
	if s.Bool("dry-run") {
		return compareAcceptances(ctx, s, func(now []acceptance.Acceptance) []acceptance.Acceptance {
			return append(slices.Clip(now), accepted...)
		})
	}
	return applyAcceptances(ctx, s, func() ([]acceptance.Acceptance, error) { return kept.Accept(ctx, accepted) }, func(w io.Writer, a acceptance.Acceptance) {
		fmt.Fprintf(w, "%s accepted until %s (acceptance %d)\n", a.Vulnerability, untilText(a), a.ID)
	})
}

// end is the value of --until; zero for when there is a fix.
func end(s *session.Session) (time.Time, error) {
	text := s.String("until")
	switch text {
	case "":
		return time.Time{}, exit.Usage("--until is missing; see %s --help", s.Command.HelpName)
	case "fixed":
		return time.Time{}, nil
	}
	end, err := timeToCome(text, s.Now)
	if err != nil {
		return end, exit.Usage("invalid value %q for --until: expected a time to come such as 2027-01-31, 2027-01-31T12:00:00Z or 30d, or fixed", text)
	}
	return end, nil
}

// person is who runs the command.
func person() string {
	if known, err := user.Current(); err == nil && known.Username != "" {
		return known.Username
	}
	return "unknown"
}

// sayCovered says what a person may not expect of an acceptance.
func sayCovered(ctx context.Context, s *session.Session, kept *store.Store, a acceptance.Acceptance) error {
	affected, err := affectedBy(ctx, kept, a)
	if err != nil {
		return err
	}
	unfixed := slices.ContainsFunc(affected, func(t store.AffectedTag) bool { return !vuln.Finding{Fix: t.Fix}.HasFix() })
	switch {
	case len(affected) == 0:
		s.Say("%s: no watched tag has it now", a.Vulnerability)
	case a.UntilFixed() && !unfixed:
		s.Say("%s: there is a fix already, so --until fixed covers nothing", a.Vulnerability)
	}
	return nil
}

// affectedBy are the findings, of watched tags, that an acceptance is for. Package URLs are
// compared by their name.
func affectedBy(ctx context.Context, kept *store.Store, a acceptance.Acceptance) (affected []store.AffectedTag, err error) {
	name := a.Package
	if vuln.IsPackageURL(name) {
		query, err := vuln.ParsePackageQuery(name)
		if err != nil {
			return nil, err
		}
		name = query.Name
	}
	all, err := kept.Affected(ctx, a.Vulnerability)
	for _, t := range all {
		if a.IsFor(t.Target.Reference) && (name == "" || strings.EqualFold(name, t.Package)) {
			affected = append(affected, t)
		}
	}
	return affected, err
}

// applied is the outcome of a change of acceptances, for programs.
type appliedAcceptances struct {
	Acceptances []acceptanceView `json:"acceptances"`
	Evaluated   int              `json:"tags_evaluated"`
}

// applyAcceptances stores a change, unless Temporal could not apply it, and has the tags
// evaluated.
func applyAcceptances(ctx context.Context, s *session.Session, store func() ([]acceptance.Acceptance, error), say func(io.Writer, acceptance.Acceptance)) error {
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	changed, err := store()
	if err != nil {
		return err
	}
	if s.ForPeople() {
		for _, a := range changed {
			say(s.Out, a)
		}
	}
	evaluated := 0
	err = s.Follow(ctx, linked, workflows.ApplyAcceptancesID, "the evaluation goes on; see: tagwatch accept list", func(ctx context.Context) (err error) {
		evaluated, err = linked.Client.ApplyAcceptances(ctx)
		return err
	})
	if err != nil {
		return err
	}
	result := appliedAcceptances{[]acceptanceView{}, evaluated}
	for _, a := range changed {
		result.Acceptances = append(result.Acceptances, acceptanceViewOf(a, s.Now))
	}
	return s.Show(result, func(io.Writer) { s.Say("%s evaluated", wording.Count(evaluated, "tag")) })
}

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

func acceptList(ctx context.Context, s *session.Session) error {
	kept, err := s.Store(ctx)
	if err != nil {
		return err
	}
	all, err := kept.Acceptances(ctx)
	if err != nil {
		return err
	}
	views := []acceptanceView{}
	for _, a := range all {
		if s.Bool("all") || a.State(s.Now) == acceptance.Active {
			views = append(views, acceptanceViewOf(a, s.Now))
		}
	}
	return session.ShowRows(s, session.Rows[acceptanceView]{Items: views, Name: func(v acceptanceView) string { return strconv.FormatInt(v.ID, 10) }, People: func(w io.Writer, views []acceptanceView) {
		if len(views) == 0 {
			s.Say("No accepted risk")
			return
		}
		t := output.NewTable("ID", "VULNERABILITY", "PACKAGE", "SUBJECT", "UNTIL", "STATE", "OWNER", "REASON").Drop("OWNER", "PACKAGE", "SUBJECT")
		for _, v := range views {
			t.Row(output.Ordinary, strconv.FormatInt(v.ID, 10), v.Vulnerability, output.Dash(v.Package), output.Dash(v.Subject), v.Until, string(v.State), output.Dash(v.Owner), v.Reason)
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
	affected, err := affectedBy(ctx, s.Stored, a)
	if err != nil {
		return err
	}
	shown := shownAcceptance{acceptanceViewOf(a, s.Now), []acceptedFinding{}}
	for _, t := range affected {
		covered := a.State(s.Now) == acceptance.Active && !(a.UntilFixed() && vuln.Finding{Fix: t.Fix}.HasFix())
		shown.Findings = append(shown.Findings, acceptedFinding{t.Target.String(), t.ID, t.Package, t.Version, t.Severity, covered})
	}
	return s.Show(shown, func(w io.Writer) { writeAcceptance(s, w, shown) })
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

// theAcceptance is the one of an id, or the only active one of a vulnerability.
func theAcceptance(ctx context.Context, s *session.Session, id string) (acceptance.Acceptance, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return acceptance.Acceptance{}, err
	}
	all, err := kept.Acceptances(ctx)
	if err != nil {
		return acceptance.Acceptance{}, err
	}
	var found []acceptance.Acceptance
	var numbers []string
	for _, a := range all {
		number := strconv.FormatInt(a.ID, 10)
		if number == id {
			return a, nil
		}
		if a.State(s.Now) == acceptance.Active && slices.Contains(a.Names(), strings.ToLower(id)) {
			found, numbers = append(found, a), append(numbers, number)
		}
	}
	switch len(found) {
	case 0:
		return acceptance.Acceptance{}, exit.Refused("acceptance %s not found; see: tagwatch accept list --all", id)
	case 1:
		return found[0], nil
	}
	return acceptance.Acceptance{}, exit.Refused("%s has several acceptances (%s); name one by its number", id, strings.Join(numbers, ", "))
}

func acceptExtendCommand() *cli.Command {
	return &cli.Command{
		Name:      "extend",
		Usage:     "give an accepted risk another end",
		UsageText: "tagwatch accept extend ID|VULNERABILITY --until TIME|fixed [options]",
		Description: `An acceptance that ended is active again. A revoked one stays revoked.

   tagwatch accept extend 3 --until 30d
   tagwatch accept extend CVE-2026-1234 --until fixed`,
		Flags:  []cli.Flag{untilFlag(), session.OutputFlag()},
		Action: session.One("ID", acceptExtend),
	}
}

func acceptExtend(ctx context.Context, s *session.Session, id string) error {
	until, err := end(s)
	if err != nil {
		return err
	}
	a, err := theAcceptance(ctx, s, id)
	if err != nil {
		return err
	}
	return applyAcceptances(ctx, s, func() ([]acceptance.Acceptance, error) {
		changed, err := s.Stored.ExtendAcceptance(ctx, a.ID, until, person(), s.Now)
		return []acceptance.Acceptance{changed}, refusedIfRevoked(a, err)
	}, func(w io.Writer, a acceptance.Acceptance) {
		fmt.Fprintf(w, "Acceptance %d (%s) extended until %s\n", a.ID, a.Vulnerability, untilText(a))
	})
}

func acceptRevokeCommand() *cli.Command {
	return &cli.Command{
		Name:        "revoke",
		Usage:       "end an accepted risk now",
		UsageText:   "tagwatch accept revoke ID|VULNERABILITY [options]",
		Description: "   tagwatch accept revoke 3 --dry-run\n   tagwatch accept revoke CVE-2026-1234",
		Flags:       []cli.Flag{dryRunFlag(), session.OutputFlag()},
		Action:      session.One("ID", acceptRevoke),
	}
}

func acceptRevoke(ctx context.Context, s *session.Session, id string) error {
	a, err := theAcceptance(ctx, s, id)
	if err != nil {
		return err
	}
	if s.Bool("dry-run") {
		return compareAcceptances(ctx, s, func(now []acceptance.Acceptance) []acceptance.Acceptance {
			return slices.DeleteFunc(slices.Clone(now), func(other acceptance.Acceptance) bool { return other.ID == a.ID })
		})
	}
	return applyAcceptances(ctx, s, func() ([]acceptance.Acceptance, error) {
		changed, err := s.Stored.RevokeAcceptance(ctx, a.ID, person(), s.Now)
		return []acceptance.Acceptance{changed}, refusedIfRevoked(a, err)
	}, func(w io.Writer, a acceptance.Acceptance) {
		fmt.Fprintf(w, "Acceptance %d (%s) revoked\n", a.ID, a.Vulnerability)
	})
}

func refusedIfRevoked(a acceptance.Acceptance, err error) error {
	if errors.Is(err, errkind.Conflict) {
		return exit.Refused("acceptance %d is revoked; accept %s again", a.ID, a.Vulnerability)
	}
	return err
}
