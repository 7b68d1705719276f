package policies

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/starter/arguments"
	"github.com/tagwatch/tagwatch/starter/exit"
	"github.com/tagwatch/tagwatch/starter/output"
	"github.com/tagwatch/tagwatch/starter/session"
)

func policyDescribeCommand() *cli.Command {
	return &cli.Command{
		Name:      "describe",
		Usage:     "list gates, triggers and their parameters",
		UsageText: "tagwatch policy describe [--gate GATE [--trigger TRIGGER]] [options]",
		Description: `Lists what policy rules can check.

   tagwatch policy describe
   tagwatch policy describe --gate vulnerabilities
   tagwatch policy describe --gate vulnerabilities --trigger package
   tagwatch policy describe -o json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "gate", Usage: "`name` of the gate to describe"},
			&cli.StringFlag{Name: "trigger", Usage: "`name` of the gate's trigger to describe"},
			session.OutputFlag(),
		},
		Action: session.Bare(policyDescribe),
	}
}

func policyDescribe(_ context.Context, s *session.Session) error {
	gates := policy.Describe()
	if !s.IsSet("gate") {
		if s.IsSet("trigger") {
			return exit.Usage("--trigger needs --gate; see: tagwatch policy describe")
		}
		return s.Show(gates, func(w io.Writer) { writeGates(w, gates) })
	}
	gate, err := findGate(gates, s.String("gate"))
	if err != nil {
		return err
	}
	if !s.IsSet("trigger") {
		return s.Show(gate, func(w io.Writer) { writeGate(w, gate) })
	}
	trigger, err := findTrigger(gate, s.String("trigger"))
	if err != nil {
		return err
	}
	return s.Show(trigger, func(w io.Writer) { writeTrigger(w, trigger) })
}

func findGate(gates []policy.GateSpec, name string) (policy.GateSpec, error) {
	i := slices.IndexFunc(gates, func(g policy.GateSpec) bool { return strings.EqualFold(g.Name, name) })
	if i < 0 {
		if meant := arguments.Suggest(strings.ToLower(name), arguments.GateNames(gates)); meant != "" {
			return policy.GateSpec{}, exit.Refused("unknown gate %q; did you mean: %s", name, meant)
		}
		return policy.GateSpec{}, exit.Refused("unknown gate %q; see: tagwatch policy describe", name)
	}
	return gates[i], nil
}

func findTrigger(gate policy.GateSpec, name string) (policy.TriggerSpec, error) {
	i := slices.IndexFunc(gate.Triggers, func(t policy.TriggerSpec) bool { return strings.EqualFold(t.Name, name) })
	if i < 0 {
		return policy.TriggerSpec{}, exit.Refused("gate %s has no trigger %q; see: tagwatch policy describe --gate %s", gate.Name, name, gate.Name)
	}
	return gate.Triggers[i], nil
}

func writeGates(w io.Writer, gates []policy.GateSpec) {
	t := output.NewTable("GATE", "TRIGGERS", "DESCRIPTION")
	for _, g := range gates {
		style := output.Ordinary
		if g.State != "active" {
			style = output.Faint
		}
		t.Row(style, g.Name, strconv.Itoa(len(g.Triggers)), g.Description+addition(g.Addition))
	}
	t.Write(w)
}

func writeGate(w io.Writer, gate policy.GateSpec) {
	fmt.Fprintf(w, "%s: %s\n\n", gate.Name, gate.Description)
	t := output.NewTable("TRIGGER", "PARAMETERS", "DESCRIPTION")
	for _, trigger := range gate.Triggers {
		t.Row(output.Ordinary, trigger.Name, strconv.Itoa(len(trigger.Parameters)), trigger.Description+addition(trigger.Addition))
	}
	t.Write(w)
}

func writeTrigger(w io.Writer, trigger policy.TriggerSpec) {
	fmt.Fprintf(w, "%s: %s\n", trigger.Name, trigger.Description)
	if len(trigger.Parameters) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := output.NewTable("PARAMETER", "REQUIRED", "EXAMPLE", "DESCRIPTION")
	for _, p := range trigger.Parameters {
		t.Row(output.Ordinary, p.Name, output.Dash(output.Yes(p.Required)), output.Dash(p.Example), p.Description+addition(p.Addition))
	}
	t.Write(w)
}

// addition marks what bundles for Anchore Engine must not contain.
func addition(is bool) string {
	if is {
		return " (not in Anchore Engine)"
	}
	return ""
}
