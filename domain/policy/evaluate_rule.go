package policy

import (
	"errors"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/fault"
)

// policy evaluates the rules gate by gate, in the order in which the gates
// appear first.
func (e *evaluator) policy(p *Policy, whitelists []*Whitelist) {
	e.report(p.faults...)
	var order []string
	byGate := map[string][]*Rule{}
	for i := range p.Rules {
		rule := &p.Rules[i]
		if byGate[rule.Gate] == nil {
			order = append(order, rule.Gate)
		}
		byGate[rule.Gate] = append(byGate[rule.Gate], rule)
	}
	for _, gate := range order {
		for _, rule := range byGate[gate] {
			e.rule(p, rule, whitelists)
		}
	}
}

// rule evaluates one rule. What it fired before it failed counts.
func (e *evaluator) rule(p *Policy, r *Rule, whitelists []*Whitelist) {
	if r.retired != nil {
		e.report(*r.retired)
	}
	e.report(r.faults...)
	if r.retired != nil || len(r.faults) > 0 || r.trigger == nil {
		return
	}
	c := &check{subject: e.subject, ruleID: r.ID, gate: r.Gate, trigger: r.Trigger, params: r.Params, now: e.EvaluatedAt, memo: e.memo}
	if err := run(r.trigger, c); err != nil {
		e.report(Problem{r.path, Error, problemOf(err), fmt.Sprintf("rule %q (%s.%s) cannot be decided: %v", r.ID, r.Gate, r.Trigger, err)})
	}
	e.Next = earliest(e.Next, c.next, e.EvaluatedAt)
	for _, f := range c.firings {
		e.row(p, r, f, whitelists)
	}
}

// problemOf is the type of problem that a trigger's error makes.
func problemOf(err error) string {
	if errors.Is(err, fault.Unavailable) {
		return problemImageIncomplete
	}
	return problemEvaluation
}

// run evaluates the trigger. A panic is a mistake of ours, or an input that we
// did not foresee; it must not take the other rules with it.
func run(t *Trigger, c *check) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("internal error: %v", cause)
		}
	}()
	return t.check(c)
}

// row decides about one occurrence.
func (e *evaluator) row(p *Policy, r *Rule, f firing, whitelists []*Whitelist) {
	row := Row{
		TriggerID: f.id, Aliases: f.aliases, Gate: r.Gate, Trigger: r.Trigger, Message: f.message,
		Action: r.Action, PolicyID: p.ID, RuleID: r.ID, RuleAction: r.Action,
	}
	if row.Excuse = e.excuse(row, whitelists); row.Excuse != nil {
		row.Action = Go
		e.Next = earliest(e.Next, row.Excuse.Expires, e.EvaluatedAt)
	}
	e.PolicyAction = lower(e.PolicyAction, row.Action)
	e.Rows = append(e.Rows, row)
}

// excuse is the first item of the first whitelist that lets the row pass, by its
// own trigger id before any of its aliases.
func (e *evaluator) excuse(row Row, whitelists []*Whitelist) *Excuse {
	for _, w := range whitelists {
		for _, id := range row.triggerIDs() {
			item, err := w.index[row.Gate].find(id, e.EvaluatedAt, &e.memo.budget)
			if err != nil {
				e.failOnce(Problem{w.path, Error, problemEvaluation, err.Error()})
			}
			if item != nil {
				return &Excuse{w.ID, w.Name, item.ID, item.TriggerID, item.Expires}
			}
		}
	}
	return nil
}

// triggerIDs are the row's own and its aliases.
func (r Row) triggerIDs() []string { return append([]string{r.TriggerID}, r.Aliases...) }

// failOnce reports a problem that every row may meet again.
func (e *evaluator) failOnce(p Problem) {
	for _, known := range e.Problems {
		if known.Path == p.Path && known.Type == p.Type {
			return
		}
	}
	e.report(p)
}
