package tags

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func EvaluateCommand() *cli.Command {
	return &cli.Command{
		Name:      "evaluate",
		Usage:     "evaluate a watched tag against a policy bundle",
		UsageText: "tagwatch evaluate REF [options]",
		Description: `Evaluates the last analyzed image of the tag now, without notifying anybody.
Exit code 0: pass; 1: fail; 2: the evaluation failed.

   tagwatch evaluate docker.io/library/nginx:1.27
   tagwatch evaluate nginx:1.27 --detail
   tagwatch evaluate nginx:1.27 --policy stricter.json
   tagwatch evaluate nginx:1.27 -o json      # the result document of Anchore Engine`,
		Flags: []cli.Flag{
			arguments.PlatformFlag(),
			&cli.BoolFlag{Name: "detail", Usage: "also show rows that pass (action go, or whitelisted)"},
			&cli.StringFlag{Name: "policy", Aliases: []string{"p"}, Usage: "`file or id` of the bundle (default: the active one)"},
			session.OutputFlag(),
		},
		Action: session.Action(evaluate),
	}
}

// evaluate ends every failure with exit code 2: it must not look like an image
// that fails.
func evaluate(ctx context.Context, s *session.Session) error {
	target, err := theTarget(ctx, s)
	if err != nil {
		return exit.Unable(err)
	}
	bundle, err := arguments.Bundle(ctx, s, s.String("policy"))
	if err != nil {
		return exit.Unable(err)
	}
	content, err := bundle.MarshalJSON()
	if err != nil {
		return exit.Unable(err)
	}
	e, err := operations.Evaluate.Run(ctx, s.System(), operations.EvaluateRequest{Ref: target.Reference.String(), Platform: target.Platform.String(), Bundle: content, Document: true})
	if err != nil {
		return exit.Unable(err)
	}
	sayEarlier(s, e.Digest, e.Current)
	sayIncomplete(s, target, e.Coverage)
	err = session.ShowRows(s, session.Rows[policy.Row]{Items: e.Rows, Whole: e.Document, People: func(w io.Writer, _ []policy.Row) { writeEvaluation(s, w, e) }})
	if err != nil {
		return exit.Unable(err)
	}
	if e.Status == policy.Fail {
		return exit.ErrAnswered
	}
	return nil
}

func writeEvaluation(s *session.Session, w io.Writer, e operations.Evaluation) {
	var p output.Pairs
	p.Add("Tag", e.Target.String())
	p.Add("Image", string(e.Digest))
	p.Add("Bundle", fmt.Sprintf("%s (%s)", e.BundleID, output.Short(e.BundleHash)))
	p.Add("Mapping", e.MappingName)
	p.Add("Status", string(e.Status))
	p.Add("Final action", fmt.Sprintf("%s (%s)", e.FinalAction, e.Reason))
	p.Add("Can change", s.When(e.Next))
	p.Write(w)
	for _, problem := range e.Problems {
		fmt.Fprintln(w, output.OneLine(problem.String()))
	}
	writeRows(s, w, e.Rows)
}

func writeRows(s *session.Session, w io.Writer, rows []policy.Row) {
	t := output.NewTable("ACTION", "GATE", "TRIGGER", "TRIGGER ID", "RULE", "WHITELIST", "MESSAGE").Drop("RULE", "GATE", "TRIGGER")
	hidden := 0
	for _, r := range rows {
		if r.Action == policy.Go && !s.Bool("detail") {
			hidden++
			continue
		}
		t.Row(output.ActionStyle(r.Action), string(r.Action), r.Gate, r.Trigger, r.TriggerID, ruleCell(r), output.Dash(whitelistCell(r.Waiver)), r.Message)
	}
	if len(t.Rows) > 1 {
		fmt.Fprintln(w)
		t.Write(w)
	}
	if hidden > 0 {
		s.Say("%s with the action go hidden; --detail shows them", wording.Count(hidden, "row"))
	}
}

// ruleCell leads to the rule: its policy and its id in it.
func ruleCell(r policy.Row) string {
	return strings.TrimSuffix(abridged(r.PolicyID)+"/"+abridged(r.RuleID), "/")
}

// abridged cuts ids that nobody reads, as UUIDs; they differ in the beginning.
func abridged(id string) string {
	if len(id) < len("00000000-0000-0000-0000-000000000000") {
		return id
	}
	return id[:8]
}

// whitelistCell names the whitelist that lets a row pass.
func whitelistCell(x *policy.Waiver) string {
	if x == nil {
		return ""
	}
	name := cmp.Or(x.WhitelistName, x.WhitelistID)
	if !x.Expires.IsZero() {
		name += " until " + x.Expires.UTC().Format(time.DateOnly)
	}
	return name
}
