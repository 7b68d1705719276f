package policies

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/wording"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

const compareHelp = `Evaluates all watched tags with both bundles, without notifying anybody. Lists the
tags whose status differs, with the rows that differ: + added, - removed, ~ changed
action.`

func policyDiffCommand() *cli.Command {
	return &cli.Command{
		Name:        "diff",
		Usage:       "compare the results of two bundles for all watched tags",
		UsageText:   "tagwatch policy diff OLD NEW [options]",
		Description: compareHelp + "\n\nOLD and NEW are files or ids of stored bundles.\n\n   tagwatch policy diff yesterday.json today.json",
		Flags:       compareFlags(),
		Action: session.Action(func(ctx context.Context, s *session.Session) error {
			names, err := s.Arguments("OLD", "NEW")
			if err != nil {
				return err
			}
			return compare(ctx, s, names[0], names[1])
		}),
	}
}

func policySimulateCommand() *cli.Command {
	return &cli.Command{
		Name:        "simulate",
		Usage:       "show the tags whose status a bundle would change",
		UsageText:   "tagwatch policy simulate FILE|ID [options]",
		Description: compareHelp + "\n\n   tagwatch policy simulate bundle.json\n   tagwatch policy simulate bundle.json --all",
		Flags:       compareFlags(),
		Action:      session.One("FILE", func(ctx context.Context, s *session.Session, name string) error { return compare(ctx, s, "", name) }),
	}
}

func compareFlags() []cli.Flag {
	return []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "also list tags with the same status but different rows"}, session.OutputFlag()}
}

// comparison is what two bundles, or two sets of acceptances, say about all tags.
type comparison struct {
	Evaluated int                      `json:"tags_evaluated"`
	Skipped   int                      `json:"tags_skipped"` // not analyzed or matched yet
	Differ    []operations.ComparedTag `json:"differ"`
}

func compare(ctx context.Context, s *session.Session, older, newer string) error {
	before, err := arguments.Choice(ctx, s, older)
	if err != nil {
		return err
	}
	after, err := arguments.Choice(ctx, s, newer)
	if err != nil {
		return err
	}
	return comparePolicies(ctx, s, before, after)
}

func comparePolicies(ctx context.Context, s *session.Session, before, after operations.PolicyChoice) error {
	return showComparison(s, func(page operations.ComparedPage) (operations.Comparison, error) {
		return operations.ComparePolicies.Run(ctx, s.System(), operations.PolicyComparison{Old: before, New: after, ComparedPage: page})
	})
}

// compareAcceptances shows what a change of acceptances would change, under the active bundle.
func compareAcceptances(ctx context.Context, s *session.Session, request operations.AcceptanceComparison) error {
	return showComparison(s, func(page operations.ComparedPage) (operations.Comparison, error) {
		request.ComparedPage = page
		return operations.CompareAcceptance.Run(ctx, s.System(), request)
	})
}

// showComparison reads a comparison page by page, and prints it.
func showComparison(s *session.Session, read func(operations.ComparedPage) (operations.Comparison, error)) error {
	result := comparison{Differ: []operations.ComparedTag{}}
	err := evaluating(s, func(page operations.EvaluatedPage) (operations.Evaluated, error) {
		part, err := read(operations.ComparedPage{All: s.Bool("all"), EvaluatedPage: page})
		result.Evaluated, result.Skipped = result.Evaluated+part.Evaluated.Evaluated, result.Skipped+part.Skipped
		result.Differ = append(result.Differ, part.Differ...)
		return part.Evaluated, err
	})
	if err != nil {
		return err
	}
	return s.Show(result, func(w io.Writer) { writeComparison(s, w, result) })
}

// evaluating has all tags evaluated, page by page, and prints the progress.
func evaluating(s *session.Session, read func(operations.EvaluatedPage) (operations.Evaluated, error)) error {
	progress, done := s.Counting(0, "tags evaluated"), 0
	for page := (operations.EvaluatedPage{}); ; {
		part, err := read(page)
		if err != nil || part.Next == "" {
			return err
		}
		done += part.Evaluated
		progress(done)
		page.After = part.Next
	}
}

func writeComparison(s *session.Session, w io.Writer, c comparison) {
	for _, each := range c.Differ {
		d := each.Difference
		fmt.Fprintf(w, "%s: %s (%s) -> %s (%s)\n", each.Target, d.Before.Status, d.Before.FinalAction, d.After.Status, d.After.FinalAction)
		t := &output.Table{Indent: "  "}
		for _, r := range d.Appeared {
			t.Row(output.ActionStyle(r.Action), "+", string(r.Action), r.Gate, r.Trigger, r.TriggerID, r.Message)
		}
		for _, r := range d.Disappeared {
			t.Row(output.Faint, "-", string(r.Action), r.Gate, r.Trigger, r.TriggerID, r.Message)
		}
		for _, change := range d.Changed {
			r := change.After
			t.Row(output.ActionStyle(r.Action), "~", fmt.Sprintf("%s -> %s", change.Before.Action, r.Action), r.Gate, r.Trigger, r.TriggerID, r.Message)
		}
		t.Write(w)
	}
	s.Say("%s evaluated, %d skipped (not analyzed or matched yet): %s", wording.Count(c.Evaluated, "tag"), c.Skipped, differWords(c, s.Bool("all")))
}

func differWords(c comparison, all bool) string {
	if all {
		return fmt.Sprintf("%d differ", len(c.Differ))
	}
	return fmt.Sprintf("%d would change status", len(c.Differ))
}
