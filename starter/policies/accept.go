package policies

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
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
	all, err := kept.Acceptances(ctx)
	if err != nil {
		return err
	}
	var accepted []acceptance.Acceptance
	if s.IsSet("subject") && image.CheckSubjectPattern(s.String("subject")) == nil {
		if err := arguments.SaySubjects(ctx, s, s.String("subject")); err != nil {
			return err
		}
	}
	for _, id := range ids {
		a := acceptance.Acceptance{Vulnerability: id, Package: s.String("package"), Subject: s.String("subject"), Until: until,
			Reason: s.String("reason"), Owner: s.String("owner"), By: session.Person(), Created: s.Now}
		if err := a.Validate(); err != nil {
			return exit.Usage("%s; see %s --help", errkind.Text(err), s.Command.HelpName)
		}
		if at := slices.IndexFunc(append(slices.Clone(all), accepted...), func(other acceptance.Acceptance) bool {
			return other.State(s.Now) == acceptance.Active && other.Repeats(a)
		}); at >= 0 {
			return acceptedTwice(all, at, a)
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

// acceptedTwice refuses to accept again what one of the stored acceptances, or an earlier
// argument, accepts.
func acceptedTwice(all []acceptance.Acceptance, at int, a acceptance.Acceptance) error {
	if at >= len(all) {
		return exit.Usage("%s is named twice", a.Vulnerability)
	}
	former := all[at]
	return exit.Refused("%s is accepted already, until %s (acceptance %d, for the same packages and tags); give it another end with: tagwatch accept extend %d --until TIME|fixed",
		a.Vulnerability, untilText(former), former.ID, former.ID)
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
	end, err := arguments.TimeToCome(text, s.Now)
	if err != nil {
		return end, exit.Usage("invalid value %q for --until: expected a time to come such as 2027-01-31, 2027-01-31T12:00:00Z or 30d, or fixed", text)
	}
	return end, nil
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
		if !t.Older && a.IsFor(t.Target.Reference) && (name == "" || strings.EqualFold(name, t.Package)) {
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
	err = s.Follow(ctx, linked, workflows.ApplyAcceptancesID, "the evaluation goes on; see: tagwatch accept list", func(ctx context.Context) error {
		run, err := linked.Client.ApplyAcceptances(ctx)
		if err == nil {
			err = linked.Client.Await(ctx, run, &evaluated)
		}
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
