package policies

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/session"
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
	if s.IsSet("subject") && image.CheckSubjectPattern(s.String("subject")) == nil {
		if err := arguments.SaySubjects(ctx, s, s.String("subject")); err != nil {
			return err
		}
	}
	request := operations.AcceptRequest{Vulnerabilities: ids, Until: until, Reason: s.String("reason"), Owner: s.String("owner"),
		Package: s.String("package"), Subject: s.String("subject")}
	plan, err := operations.PlanAcceptance.Run(ctx, s.System(), request)
	if errors.Is(err, errkind.Invalid) {
		return exit.Usage("%s; see %s --help", exit.Sentence(err), s.Command.HelpName)
	}
	if err != nil {
		return err
	}
	sayCovered(s, plan)
	if s.Bool("dry-run") {
		return compareAcceptances(ctx, s, operations.AcceptanceComparison{Accept: &request})
	}
	changed, err := operations.Accept.Run(ctx, s.System(), request)
	return followAcceptances(ctx, s, changed, err, func(w io.Writer, a operations.Acceptance) {
		fmt.Fprintf(w, "%s accepted until %s (acceptance %d)\n", a.Vulnerability, a.Until, a.ID)
	})
}

// end is the value of --until, as operations read it.
func end(s *session.Session) (string, error) {
	text := s.String("until")
	switch text {
	case "":
		return "", exit.Usage("--until is missing; see %s --help", s.Command.HelpName)
	case "fixed":
		return text, nil
	}
	end, err := arguments.TimeToCome(text, s.Now)
	if err != nil {
		return "", exit.Usage("invalid value %q for --until: expected a time to come such as 2027-01-31, 2027-01-31T12:00:00Z or 30d, or fixed", text)
	}
	return end.Format(time.RFC3339Nano), nil
}

// sayCovered says what a person may not expect of acceptances.
func sayCovered(s *session.Session, plan operations.PlannedAcceptances) {
	for _, p := range plan.Acceptances {
		switch {
		case p.Findings == 0:
			s.Say("%s: no watched tag has it now", p.Vulnerability)
		case p.Until == "fixed" && p.NotFixed == 0:
			s.Say("%s: there is a fix already, so --until fixed covers nothing", p.Vulnerability)
		}
	}
}

// appliedAcceptances is the outcome of a change of acceptances, for programs.
type appliedAcceptances struct {
	Acceptances []operations.Acceptance `json:"acceptances"`
	operations.Reevaluated
}

// followAcceptances prints a change of acceptances, and follows the evaluation of the tags.
func followAcceptances(ctx context.Context, s *session.Session, changed operations.AcceptanceChange, err error, say func(io.Writer, operations.Acceptance)) error {
	if err != nil {
		return err
	}
	if s.ForPeople() {
		for _, a := range changed.Acceptances {
			say(s.Out, a)
		}
	}
	result, err := s.FollowTask(ctx, changed.Task, "the evaluation goes on; see: tagwatch accept list")
	if err != nil {
		return err
	}
	applied := appliedAcceptances{Acceptances: changed.Acceptances}
	if result.Evaluation == nil { // a token that is limited to some tags does not see it
		return s.Show(applied, func(io.Writer) { s.Say("The tags are evaluated") })
	}
	applied.Reevaluated = *result.Evaluation
	return s.Show(applied, func(io.Writer) { s.Say("%s", reevaluatedLine(applied.Reevaluated)) })
}

func reevaluatedLine(r operations.Reevaluated) string {
	line := fmt.Sprintf("%s evaluated, %d changed between pass and fail", wording.Count(r.Evaluated, "tag"), r.StatusChanged)
	if r.Left > 0 {
		line += fmt.Sprintf("; %s to be evaluated by their workflows, see: tagwatch status", wording.Count(r.Left, "more tag"))
	}
	return line
}
