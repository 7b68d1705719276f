package policy

import (
	"fmt"
	"maps"
	"slices"
)

// enterpriseHas are the additions to vulnerabilities.package that Anchore Enterprise has, too.
var enterpriseHas = []string{"epss_score", "epss_score_comparison"}

// Lacks lists what of the bundle the product whose version it is does not have: Anchore
// Engine, or Anchore Enterprise. That product refuses or ignores what it does not know.
func Lacks(b *Bundle, version string) (lacks []string) {
	product := "Anchore Engine"
	if version == VersionEnterprise {
		product = "Anchore Enterprise"
	}
	for _, p := range b.Policies {
		for _, r := range p.Rules {
			for _, what := range r.lacking(version) {
				lacks = append(lacks, fmt.Sprintf("policy %q, rule %q: %s does not have %s", p.ID, r.ID, product, what))
			}
		}
	}
	return lacks
}

// lacking names the gate, the trigger or the parameters of a rule that a product lacks.
func (r *Rule) lacking(version string) (lacking []string) {
	name := r.Gate + "." + r.Trigger
	if r.idle != nil {
		switch {
		case findRetired(r.Gate) != nil:
			return []string{"the retired gate " + r.Gate}
		case version == VersionEngine && onlyEnterprise(r.Gate, r.Trigger):
			return []string{name}
		case version == VersionEngine:
			return []string{"a parameter of " + name + ", which does nothing here either"}
		}
		return nil
	}
	gate := findGate(r.Gate)
	if r.trigger == nil || gate == nil {
		return nil // it has faults
	}
	if gate.Addition || r.trigger.Addition {
		return []string{name}
	}
	for _, parameter := range slices.Sorted(maps.Keys(r.Chosen())) {
		has := version == VersionEnterprise && slices.Contains(enterpriseHas, parameter)
		if !r.trigger.parameter(parameter).Addition || has {
			continue
		}
		what := "the parameter " + parameter + " of " + name
		if version == VersionEnterprise && parameter == "known_exploited" {
			what += "; it has vulnerabilities.kev_list"
		}
		lacking = append(lacking, what)
	}
	return lacking
}
