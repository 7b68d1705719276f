package policy

import (
	"slices"
	"strings"
)

// gates are all gates, by name. A new one is a file of its own and a line here.
var gates = []Gate{
	gateAlways,
	gateDistro,
	gateDockerfile,
	gateFiles,
	gateLicenses,
	gateMalware,
	gateMetadata,
	gateNPMs,
	gatePackages,
	gatePasswdFile,
	gateRetrievedFiles,
	gateRubyGems,
	gateSecretScans,
	gateVulnerabilities,
}

// first is the first element of a list that is meant; nil for none.
func first[T any](list []T, meant func(T) bool) *T {
	i := slices.IndexFunc(list, meant)
	if i < 0 {
		return nil
	}
	return &list[i]
}

func namesOf[T any](list []T, name func(T) string) []string {
	var names []string
	for _, each := range list {
		names = append(names, name(each))
	}
	return names
}

func findGate(name string) *Gate { return first(gates, func(g Gate) bool { return g.Name == name }) }

func findRetired(name string) *retiredGate {
	return first(retiredGates, func(g retiredGate) bool { return g.name == name })
}

func (g *Gate) find(name string) *Trigger {
	return first(g.Triggers, func(t Trigger) bool { return t.Name == name })
}

func gateNames() []string { return namesOf(gates, func(g Gate) string { return g.Name }) }

func (g *Gate) triggerNames() []string {
	return namesOf(g.Triggers, func(t Trigger) string { return t.Name })
}

func (t *Trigger) parameterNames() []string {
	return namesOf(t.Parameters, func(p Parameter) string { return p.Name })
}

// parameter takes names and aliases in any case.
func (t *Trigger) parameter(name string) *Parameter {
	lower := strings.ToLower(name)
	return first(t.Parameters, func(p Parameter) bool { return p.Name == lower || slices.Contains(p.Aliases, lower) })
}
