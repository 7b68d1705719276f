package policy

import (
	"slices"
	"strings"
)

// findGate looks a gate up by its lower-case name; nil for an unknown one.
func findGate(name string) *Gate {
	i := slices.IndexFunc(gates, func(g Gate) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	return &gates[i]
}

func gateNames() []string {
	var names []string
	for _, g := range gates {
		names = append(names, g.Name)
	}
	return names
}

// find looks a trigger up by its lower-case name; nil for an unknown one.
func (g *Gate) find(name string) *Trigger {
	i := slices.IndexFunc(g.Triggers, func(t Trigger) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &g.Triggers[i]
}

func (g *Gate) triggerNames() []string {
	var names []string
	for _, t := range g.Triggers {
		names = append(names, t.Name)
	}
	return names
}

// parameter looks a parameter up by its name or an alias, in any case; nil for
// an unknown one.
func (t *Trigger) parameter(name string) *Parameter {
	lower := strings.ToLower(name)
	i := slices.IndexFunc(t.Parameters, func(p Parameter) bool {
		return p.Name == lower || slices.Contains(p.Aliases, lower)
	})
	if i < 0 {
		return nil
	}
	return &t.Parameters[i]
}

func (t *Trigger) parameterNames() []string {
	var names []string
	for _, p := range t.Parameters {
		names = append(names, p.Name)
	}
	return names
}
