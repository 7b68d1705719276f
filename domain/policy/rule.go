package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Rule says what to do when a trigger fires.
type Rule struct {
	ID      string
	Gate    string // canonical name, or that of a retired gate
	Trigger string // canonical name
	Action  Action
	Params  map[string]string // by canonical name, defaults filled in

	path    string   // in the bundle
	trigger *Trigger // nil for a rule that is idle or has faults
	// idle reports why the rule does nothing, nil if it does something.
	idle *Problem
	// faults are errors that keep the rule from being evaluated.
	faults []Problem
}

// Chosen are the parameters whose values differ from their defaults, by canonical name.
func (r Rule) Chosen() map[string]string {
	chosen := map[string]string{}
	for name, value := range r.Params {
		if r.trigger == nil || r.trigger.parameter(name).Default != value {
			chosen[name] = value
		}
	}
	return chosen
}

func readPolicy(n node) Policy {
	policy := Policy{content: contentOf(n)}
	var rules []node
	policy.faults = n.problems.faults(func() {
		o := n.object()
		if o.fields == nil {
			return
		}
		policy.ID, policy.Name = o.at("id").requiredText(), o.at("name").text()
		checkVersion(o)
		rules = o.at("rules").requiredItems()
	})
	seen := map[string]bool{}
	for _, item := range rules {
		rule := readRule(item)
		if rule.ID != "" && seen[rule.ID] {
			item.warn(problemDuplicate, "the id %q occurs more than once among the policy's rules", rule.ID)
		}
		seen[rule.ID] = true
		policy.Rules = append(policy.Rules, rule)
	}
	policy.order = byGate(policy.Rules)
	return policy
}

// Anchore evaluates gate by gate, in the order in which the gates first appear.
func byGate(rules []Rule) []int {
	first := map[string]int{}
	order := make([]int, len(rules))
	for i, rule := range rules {
		if _, known := first[rule.Gate]; !known {
			first[rule.Gate] = i
		}
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(first[rules[a].Gate], first[rules[b].Gate]) })
	return order
}

func readRule(n node) Rule {
	rule := Rule{path: n.path}
	rule.faults = n.problems.faults(func() {
		o := n.object()
		if o.fields == nil {
			return
		}
		rule.ID = o.at("id").text()
		rule.Action = readAction(o.at("action"))
		rule.readTrigger(o)
	})
	return rule
}

// readAction accepts any case, as Anchore's engine does.
func readAction(n node) Action {
	text := n.requiredText()
	action := Action(strings.ToLower(text))
	if text != "" && !slices.Contains([]Action{Stop, Warn, Go}, action) {
		n.error(problemAction, "action %q: %s", text, oneOf(text, []string{"STOP", "WARN", "GO"}))
	}
	return action
}

func (r *Rule) readTrigger(o object) {
	gate, trigger := o.at("gate"), o.at("trigger")
	r.Gate, r.Trigger = strings.ToLower(gate.requiredText()), canonical(strings.ToLower(trigger.requiredText()))
	if r.Gate == "" || r.Trigger == "" {
		return
	}
	if retired := findRetired(r.Gate); retired != nil {
		r.retire(o, retired)
		return
	}
	if r.lacksEnterprise(o) {
		return
	}
	known := findGate(r.Gate)
	if known == nil {
		gate.error(problemGate, "unknown gate %q; %s", gate.text(), oneOf(r.Gate, gateNames()))
		return
	}
	if r.trigger = known.find(r.Trigger); r.trigger == nil {
		trigger.error(problemTrigger, "gate %q has no trigger %q; %s", r.Gate, trigger.text(), oneOf(r.Trigger, known.triggerNames()))
		return
	}
	r.Params = readParams(o, r.Gate, r.trigger)
}

// retire notes a rule of a gate that no longer exists. Its parameters do not
// matter.
func (r *Rule) retire(o object, gate *retiredGate) {
	if !slices.Contains(gate.triggers, r.Trigger) {
		n := o.at("trigger")
		n.error(problemTrigger, "gate %q, which is retired, has no trigger %q; %s", gate.name, n.text(), oneOf(r.Trigger, gate.triggers))
		return
	}
	r.idleBecause(o, problemRetired, "gate %q is retired and the rule does nothing; %s", o.at("gate").text(), gate.remedy())
}

// idleBecause notes why the rule does nothing.
func (r *Rule) idleBecause(o object, kind, format string, args ...any) {
	details := fmt.Sprintf(format, args...)
	r.idle = &Problem{o.path, Warning, kind, details}
	o.warn(kind, "%s", details)
}
