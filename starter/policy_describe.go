package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tagwatch/tagwatch/domain/policy"
)

func policyDescribeCommand() *cli.Command {
	return &cli.Command{
		Name:      "describe",
		Usage:     "list gates, their triggers, and the parameters of a trigger",
		UsageText: "tagwatch policy describe [--gate GATE [--trigger TRIGGER]] [options]",
		Description: `What a rule of a policy can check.

   tagwatch policy describe
   tagwatch policy describe --gate vulnerabilities
   tagwatch policy describe --gate vulnerabilities --trigger package
   tagwatch policy describe -o json`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "gate", Usage: "`name` of the gate to describe"},
			&cli.StringFlag{Name: "trigger", Usage: "`name` of the gate's trigger to describe"},
			outputFlag(),
		},
		Action: bare(policyDescribe),
	}
}

func policyDescribe(_ context.Context, s *session) error {
	gates := policy.Describe()
	if !s.IsSet("gate") {
		if s.IsSet("trigger") {
			return usage("--trigger needs --gate; see: tagwatch policy describe")
		}
		return s.show(gates, func(w io.Writer) { writeGates(w, gates) })
	}
	gate, err := findGate(gates, s.String("gate"))
	if err != nil {
		return err
	}
	if !s.IsSet("trigger") {
		return s.show(gate, func(w io.Writer) { writeGate(w, gate) })
	}
	trigger, err := findTrigger(gate, s.String("trigger"))
	if err != nil {
		return err
	}
	return s.show(trigger, func(w io.Writer) { writeTrigger(w, trigger) })
}

func findGate(gates []policy.GateSpec, name string) (policy.GateSpec, error) {
	i := slices.IndexFunc(gates, func(g policy.GateSpec) bool { return strings.EqualFold(g.Name, name) })
	if i < 0 {
		if meant := suggest(strings.ToLower(name), gateNames(gates)); meant != "" {
			return policy.GateSpec{}, refused("there is no gate %q; did you mean: %s", name, meant)
		}
		return policy.GateSpec{}, refused("there is no gate %q; see: tagwatch policy describe", name)
	}
	return gates[i], nil
}

func gateNames(gates []policy.GateSpec) []string {
	var names []string
	for _, g := range gates {
		names = append(names, g.Name)
	}
	return names
}

func findTrigger(gate policy.GateSpec, name string) (policy.TriggerSpec, error) {
	i := slices.IndexFunc(gate.Triggers, func(t policy.TriggerSpec) bool { return strings.EqualFold(t.Name, name) })
	if i < 0 {
		return policy.TriggerSpec{}, refused("gate %s has no trigger %q; see: tagwatch policy describe --gate %s", gate.Name, name, gate.Name)
	}
	return gate.Triggers[i], nil
}

func writeGates(w io.Writer, gates []policy.GateSpec) {
	t := newTable("GATE", "TRIGGERS", "DESCRIPTION")
	for _, g := range gates {
		style := ordinary
		if g.State != "active" {
			style = faint
		}
		t.row(style, g.Name, strconv.Itoa(len(g.Triggers)), g.Description)
	}
	t.write(w)
}

func writeGate(w io.Writer, gate policy.GateSpec) {
	fmt.Fprintf(w, "%s: %s\n\n", gate.Name, gate.Description)
	t := newTable("TRIGGER", "PARAMETERS", "DESCRIPTION")
	for _, trigger := range gate.Triggers {
		t.row(ordinary, trigger.Name, strconv.Itoa(len(trigger.Parameters)), trigger.Description)
	}
	t.write(w)
}

func writeTrigger(w io.Writer, trigger policy.TriggerSpec) {
	fmt.Fprintf(w, "%s: %s\n", trigger.Name, trigger.Description)
	if len(trigger.Parameters) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := newTable("PARAMETER", "REQUIRED", "EXAMPLE", "DESCRIPTION")
	for _, p := range trigger.Parameters {
		t.row(ordinary, p.Name, dash(yes(p.Required)), dash(p.Example), p.Description)
	}
	t.write(w)
}
