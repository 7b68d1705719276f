package policies

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func ruleCommand() *cli.Command {
	return &cli.Command{
		Name:        "rule",
		Usage:       "add, list and remove rules",
		Description: "   tagwatch policy rule add packages.blacklist name=telnet --action stop --dry-run\n   tagwatch policy rule list",
		Subcommands: []*cli.Command{ruleAddCommand(), ruleListCommand(), ruleRemoveCommand()},
	}
}

func inPolicyFlag() cli.Flag {
	return &cli.StringFlag{Name: "in", Usage: "`id` of the policy (default: the only one)"}
}

func ruleAddCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Usage:     "add a rule to a policy",
		UsageText: "tagwatch policy rule add GATE.TRIGGER [PARAMETER=VALUE...] --action ACTION [options]",
		Description: `Adds the rule at the end of the policy and stores the bundle's next version. A
change of the active bundle applies to all watched tags at once. Gates, triggers
and parameters: tagwatch policy describe.

   tagwatch policy rule add packages.blacklist name=telnet --action stop
   tagwatch policy rule add vulnerabilities.package package_type=all known_exploited=true --action stop --dry-run`,
		Flags: editFlags(
			&cli.StringFlag{Name: "action", Usage: "stop, warn or go"},
			&cli.StringFlag{Name: "id", Usage: "`id` of the rule (default: the next rule-N)"},
			inPolicyFlag()),
		Action: session.Action(ruleAdd),
	}
}

func ruleAdd(ctx context.Context, s *session.Session) error {
	words := s.Args().Slice()
	if len(words) == 0 {
		return exit.Usage("GATE.TRIGGER is missing; see %s --help", s.Command.HelpName)
	}
	if err := s.Needs("action"); err != nil {
		return err
	}
	gate, trigger, found := strings.Cut(words[0], ".")
	if !found {
		return exit.Usage("invalid rule %q: expected GATE.TRIGGER, such as packages.blacklist", words[0])
	}
	rule := policy.NewRule{ID: s.String("id"), Gate: gate, Trigger: trigger, Action: s.String("action")}
	for _, word := range words[1:] {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return exit.Usage("invalid parameter %q: expected NAME=VALUE", word)
		}
		rule.Params = append(rule.Params, policy.NewParam{Name: name, Value: value})
	}
	return edit(ctx, s, func(b *policy.Bundle) ([]byte, string, error) {
		rule.ID = cmp.Or(rule.ID, freeID("rule", func(id string) bool {
			return slices.ContainsFunc(b.Policies, func(p policy.Policy) bool {
				return slices.ContainsFunc(p.Rules, func(r policy.Rule) bool { return r.ID == id })
			})
		}))
		document, err := b.AddRule(s.String("in"), rule)
		return document, fmt.Sprintf("rule %s (%s) added", rule.ID, words[0]), err
	})
}

func ruleRemoveCommand() *cli.Command {
	return &cli.Command{
		Name:        "remove",
		Usage:       "remove a rule from a policy",
		UsageText:   "tagwatch policy rule remove RULE [options]",
		Description: "   tagwatch policy rule remove rule-1 --dry-run",
		Flags:       editFlags(inPolicyFlag()),
		Action: session.One("RULE", func(ctx context.Context, s *session.Session, id string) error {
			return edit(ctx, s, func(b *policy.Bundle) ([]byte, string, error) {
				document, err := b.RemoveRule(s.String("in"), id)
				return document, "rule " + id + " removed", err
			})
		}),
	}
}

// ruleView is a rule for programs.
type ruleView struct {
	Policy  string            `json:"policy"`
	ID      string            `json:"id"`
	Gate    string            `json:"gate"`
	Trigger string            `json:"trigger"`
	Action  policy.Action     `json:"action"`
	Params  map[string]string `json:"params"` // those that differ from their defaults
}

func ruleListCommand() *cli.Command {
	return &cli.Command{
		Name:        "list",
		Usage:       "list the rules of a bundle",
		UsageText:   "tagwatch policy rule list [options]",
		Description: "   tagwatch policy rule list\n   tagwatch policy rule list --bundle strict -o json",
		Flags:       append([]cli.Flag{bundleFlag()}, session.ListFlags()...),
		Action:      session.Bare(ruleList),
	}
}

func ruleList(ctx context.Context, s *session.Session) error {
	kept, err := stored(ctx, s, s.String("bundle"))
	if err != nil {
		return err
	}
	bundle, _ := policy.Parse([]byte(kept.Text))
	views := []ruleView{}
	for _, p := range bundle.Policies {
		for _, r := range p.Rules {
			views = append(views, ruleView{p.ID, r.ID, r.Gate, r.Trigger, r.Action, r.Chosen()})
		}
	}
	return session.ShowRows(s, session.Rows[ruleView]{Items: views, Name: func(v ruleView) string { return v.ID }, People: func(w io.Writer, views []ruleView) {
		t := output.NewTable("POLICY", "RULE", "ACTION", "GATE", "TRIGGER", "PARAMETERS").Drop("POLICY", "PARAMETERS")
		for _, v := range views {
			t.Row(output.ActionStyle(v.Action), v.Policy, v.ID, string(v.Action), v.Gate, v.Trigger, output.Dash(paramsCell(v.Params)))
		}
		t.Write(w)
	}})
}

func paramsCell(params map[string]string) string {
	var cells []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		cells = append(cells, name+"="+params[name])
	}
	return strings.Join(cells, " ")
}
