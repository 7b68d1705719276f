package policy

import "slices"

// enterpriseTriggers are, by gate, the triggers that only Anchore Enterprise has;
// nil for a gate that only it has.
var enterpriseTriggers = map[string][]string{
	"ancestry":           nil,
	"distro":             {"deny"},
	"image_source_drift": nil,
	"packages":           {"metadata"},
	"stig":               nil,
	"tag_drift":          nil,
	"vulnerabilities":    {"kev_list"},
}

// enterpriseParameters are the parameters of vulnerabilities.package that only
// Anchore Enterprise has.
var enterpriseParameters = []string{"epss_percentile", "epss_percentile_comparison", "inherited_from_base"}

// onlyEnterprise reports whether only Anchore Enterprise has the trigger.
func onlyEnterprise(gate, trigger string) bool {
	triggers, known := enterpriseTriggers[gate]
	return known && (triggers == nil || slices.Contains(triggers, trigger))
}

// lacksEnterprise notes a rule that needs what only Anchore Enterprise has. It does
// nothing, which each evaluation says: without its condition it would fire for too
// much, and refusing it would refuse all others.
func (r *Rule) lacksEnterprise(o object) bool {
	if onlyEnterprise(r.Gate, r.Trigger) {
		r.idleBecause(o, problemTrigger, "only Anchore Enterprise has %s.%s: the rule does nothing", r.Gate, r.Trigger)
		return true
	}
	if r.Gate != gateVulnerabilities.Name || r.Trigger != "package" {
		return false
	}
	silent := node{raw: o.fields["params"], problems: newProblems()}
	for _, n := range silent.items() {
		if name := n.object().at("name").text(); slices.Contains(enterpriseParameters, name) {
			r.idleBecause(o, problemParameterName, "only Anchore Enterprise has the parameter %q of %s.%s: the rule does nothing", name, r.Gate, r.Trigger)
			return true
		}
	}
	return false
}
