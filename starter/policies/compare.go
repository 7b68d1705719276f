package policies

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/wording"
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

// compared is a tag about which two bundles differ.
type compared struct {
	Target     image.Target      `json:"target"`
	Digest     image.Digest      `json:"digest"`
	Difference policy.Difference `json:"difference"`
}

// comparison is what two bundles say about all tags.
type comparison struct {
	Evaluated int        `json:"tags_evaluated"`
	Skipped   int        `json:"tags_skipped"` // not analyzed or matched yet
	Differ    []compared `json:"differ"`
}

func compare(ctx context.Context, s *session.Session, older, newer string) error {
	before, err := arguments.Bundle(ctx, s, older)
	if err != nil {
		return err
	}
	after, err := arguments.Bundle(ctx, s, newer)
	if err != nil {
		return err
	}
	return compareBundles(ctx, s, before, after)
}

func compareBundles(ctx context.Context, s *session.Session, before, after *policy.Bundle) error {
	return compareOutcomes(ctx, s, before, after, func(*policy.Input) {})
}

// compareAcceptances shows what other acceptances would change, under the active bundle.
func compareAcceptances(ctx context.Context, s *session.Session, change func([]acceptance.Acceptance) []acceptance.Acceptance) error {
	active, err := arguments.ActiveBundle(ctx, s)
	if err != nil {
		return err
	}
	return compareOutcomes(ctx, s, active, active, func(subject *policy.Input) {
		subject.Acceptances = acceptance.For(change(subject.Acceptances), subject.Reference)
	})
}

// compareOutcomes evaluates every tag with one bundle, and then with another after the change
// of its input.
func compareOutcomes(ctx context.Context, s *session.Session, before, after *policy.Bundle, change func(*policy.Input)) error {
	var err error
	result := comparison{Differ: []compared{}}
	result.Evaluated, result.Skipped, err = eachSubject(ctx, s, []*policy.Bundle{before, after}, func(known watch.Summary, subject *policy.Input) error {
		older, err := policy.Evaluate(ctx, before, subject, s.Now)
		if err != nil {
			return err
		}
		change(subject)
		newer, err := policy.Evaluate(ctx, after, subject, s.Now)
		if err != nil {
			return err
		}
		d := policy.Compare(older, newer)
		if d.StatusChanged() || s.Bool("all") && !d.Empty() {
			// Programs read lists, also where they are empty.
			d.Appeared, d.Disappeared, d.Changed = append([]policy.Row{}, d.Appeared...), append([]policy.Row{}, d.Disappeared...), append([]policy.RowChange{}, d.Changed...)
			result.Differ = append(result.Differ, compared{known.Target, known.Analyzed, d})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Show(result, func(w io.Writer) { writeComparison(s, w, result) })
}

// eachSubject hands every watched tag's image, with what the bundles read of it, to
// a function, and counts those that are not known well enough to be evaluated.
func eachSubject(ctx context.Context, s *session.Session, bundles []*policy.Bundle, visit func(watch.Summary, *policy.Input) error) (evaluated, skipped int, err error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return 0, 0, err
	}
	summaries, err := kept.Summaries(ctx, subscription.TargetFilter{})
	if err != nil {
		return 0, 0, err
	}
	progress := s.Counting(len(summaries), "tags evaluated")
	for i, known := range summaries {
		progress(i)
		if known.Analyzed == "" || !known.Matched {
			skipped++
			continue
		}
		subject, err := kept.Subject(ctx, known.Target, known.Analyzed)
		if err != nil {
			return evaluated, skipped, fmt.Errorf("read the image of %s: %w", known.Target, err)
		}
		for _, bundle := range bundles {
			if err := kept.AddScores(ctx, bundle, subject); err != nil {
				return evaluated, skipped, err
			}
		}
		if err := visit(known, subject); err != nil {
			return evaluated, skipped, err
		}
		evaluated++
	}
	return evaluated, skipped, nil
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
