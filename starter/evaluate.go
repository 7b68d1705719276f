package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
)

func evaluateCommand() *cli.Command {
	return &cli.Command{
		Name: "evaluate", Category: categoryTags,
		Usage:     "evaluate a watched tag against a policy bundle",
		UsageText: "tagwatch evaluate REF [options]",
		Description: `Evaluates the image that the tag was last analyzed at, now and here; nobody is
notified. Exit code 0: pass; 1: fail; 2: it could not be evaluated.

   tagwatch evaluate docker.io/library/nginx:1.27
   tagwatch evaluate nginx:1.27 --detail
   tagwatch evaluate nginx:1.27 --policy stricter.json
   tagwatch evaluate nginx:1.27 -o json      # the result document of Anchore Engine`,
		Flags: []cli.Flag{
			platformFlag(),
			&cli.BoolFlag{Name: "detail", Usage: "also rows that pass: with action go, or whitelisted"},
			&cli.StringFlag{Name: "policy", Aliases: []string{"p"}, Usage: "`file or id` of the bundle (default: the active one)"},
			outputFlag(),
		},
		Action: action(evaluate),
	}
}

// evaluate ends every failure with exit code 2: it must not look like an image
// that fails.
func evaluate(ctx context.Context, s *session) error {
	target, bundle, subject, err := s.evaluated(ctx)
	if err != nil {
		return unable(err)
	}
	e, err := policy.Evaluate(ctx, bundle, subject, s.now)
	if err != nil {
		return unable(err)
	}
	s.sayUncovered(target, subject.Feed.Coverage)
	if err := s.showEvaluation(target, bundle, e); err != nil {
		return unable(err)
	}
	if e.Status == policy.Fail {
		return errAnswered
	}
	return nil
}

// evaluated gathers what is evaluated.
func (s *session) evaluated(ctx context.Context) (target image.Target, bundle *policy.Bundle, subject *policy.Input, err error) {
	if target, err = s.target(); err != nil {
		return target, nil, nil, err
	}
	if bundle, err = s.bundle(ctx, s.String("policy")); err != nil {
		return target, nil, nil, err
	}
	known, err := s.matched(ctx, target)
	if err != nil {
		return target, nil, nil, err
	}
	subject, err = s.stored.Subject(ctx, target, known.Analyzed)
	return target, bundle, subject, err
}

func (s *session) showEvaluation(target image.Target, b *policy.Bundle, e policy.Evaluation) error {
	if !s.asJSON() {
		s.writeEvaluation(s.out, target, e)
		return nil
	}
	document, err := policy.Document(e, b, s.settings.Account)
	if err != nil {
		return err
	}
	return writeJSON(s.out, json.RawMessage(document))
}

func (s *session) writeEvaluation(w io.Writer, target image.Target, e policy.Evaluation) {
	var p pairs
	p.add("Tag", target.String())
	p.add("Image", string(e.Digest))
	p.add("Bundle", fmt.Sprintf("%s (%s)", e.BundleID, short(e.BundleHash)))
	p.add("Mapping", e.MappingName)
	p.add("Status", string(e.Status))
	p.add("Final action", fmt.Sprintf("%s (%s)", e.FinalAction, e.Reason))
	p.add("Can change", s.when(e.Next))
	p.write(w)
	for _, problem := range e.Problems {
		fmt.Fprintln(w, oneLine(problem.String()))
	}
	s.writeRows(w, e.Rows)
}

func (s *session) writeRows(w io.Writer, rows []policy.Row) {
	t := newTable("ACTION", "GATE", "TRIGGER", "TRIGGER ID", "RULE", "WHITELIST", "MESSAGE")
	hidden := 0
	for _, r := range rows {
		if r.Action == policy.Go && !s.Bool("detail") {
			hidden++
			continue
		}
		t.row(actionStyle(r.Action), string(r.Action), r.Gate, r.Trigger, r.TriggerID, ruleCell(r), dash(whitelistCell(r.Waiver)), r.Message)
	}
	if len(t.rows) > 1 {
		fmt.Fprintln(w)
		t.write(w)
	}
	if hidden > 0 {
		s.say("%s not shown that pass; see them with --detail", number(hidden, "row"))
	}
}

func actionStyle(a policy.Action) style {
	switch a {
	case policy.Stop:
		return bad
	case policy.Warn:
		return doubtful
	}
	return ordinary
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
