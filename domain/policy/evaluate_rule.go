package policy

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// ruleWork is the work of a rule that fires nothing.
const ruleWork = 1000

func (e *evaluator) policy(p *Policy, whitelists []*Whitelist) {
	e.report(p.faults...)
	for _, position := range p.order {
		rule := &p.Rules[position]
		e.at = rule.path
		if !e.memo.timeLimit.spend(ruleWork) {
			return
		}
		e.rule(p, rule, whitelists)
		if e.ended() {
			return
		}
	}
}

// What a rule fired before it failed counts, as far as there is time to decide it.
func (e *evaluator) rule(p *Policy, r *Rule, whitelists []*Whitelist) {
	if r.idle != nil {
		e.report(*r.idle)
	}
	e.report(r.faults...)
	if r.idle != nil || len(r.faults) > 0 || r.trigger == nil {
		return
	}
	c := &check{input: e.input, ruleID: r.ID, gate: r.Gate, trigger: r.Trigger, params: r.Params, now: e.EvaluatedAt, memo: e.memo}
	if err := run(r.trigger, c); err != nil && e.memo.timeLimit.err == nil {
		e.report(Problem{r.path, Error, problemOf(err), fmt.Sprintf("rule %q (%s.%s) cannot be decided: %v", r.ID, r.Gate, r.Trigger, err)})
	}
	e.Next = earliest(e.Next, c.next, e.EvaluatedAt)
	for _, f := range c.firings {
		if !e.row(p, r, f, whitelists) {
			return
		}
	}
}

func problemOf(err error) string {
	if errors.Is(err, errkind.Unavailable) {
		return problemImageIncomplete
	}
	return problemEvaluation
}

// A panic is a bug of ours, or an input that we did not foresee; it must not stop the
// other rules.
func run(t *Trigger, c *check) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("internal error: %v", cause)
		}
	}()
	return t.check(c)
}

func (e *evaluator) row(p *Policy, r *Rule, f firing, whitelists []*Whitelist) (decided bool) {
	row := Row{
		TriggerID: f.id, Aliases: f.aliases, Gate: r.Gate, Trigger: r.Trigger, Message: f.message,
		Action: r.Action, PolicyID: p.ID, RuleID: r.ID, RuleAction: r.Action,
	}
	if row.Waiver = e.waiver(row, whitelists); e.memo.timeLimit.err != nil {
		return false
	}
	if row.Waiver == nil {
		row.Waiver = e.acceptanceOf(f)
	}
	if row.Waiver != nil {
		row.Action = Go
		e.Next = earliest(e.Next, row.Waiver.Expires, e.EvaluatedAt)
	}
	e.PolicyAction = stricter(e.PolicyAction, row.Action)
	e.Rows = append(e.Rows, row)
	return true
}

// waiver is the first item of the first whitelist that lets the row pass. The row's own
// trigger id goes before its aliases.
func (e *evaluator) waiver(row Row, whitelists []*Whitelist) *Waiver {
	for w := range each(e.memo.timeLimit, whitelists) {
		e.at = w.path
		for _, id := range row.triggerIDs() {
			item, err := w.index[row.Gate].find(id, e.EvaluatedAt, e.memo.timeLimit)
			if err != nil && e.memo.timeLimit.err == nil {
				e.failOnce(Problem{e.at, Error, problemEvaluation, err.Error()})
			}
			if item != nil {
				return &Waiver{WhitelistID: w.ID, WhitelistName: w.Name, ItemID: item.ID, TriggerID: item.TriggerID, Expires: item.Expires}
			}
		}
	}
	return nil
}

// acceptanceOf is the acceptance that lets a match pass, as a whitelist item does; nil for
// none.
func (e *evaluator) acceptanceOf(f firing) *Waiver {
	if f.match == nil {
		return nil
	}
	a := e.accepted[f.match.Identity()]
	if a == nil {
		return nil
	}
	number := strconv.FormatInt(a.ID, 10)
	return &Waiver{WhitelistID: AcceptancesID, WhitelistName: "acceptance " + number, ItemID: number, TriggerID: f.id, Expires: a.Until, Acceptance: a}
}

func (r Row) triggerIDs() []string { return append([]string{r.TriggerID}, r.Aliases...) }

func (e *evaluator) failOnce(p Problem) {
	for _, reported := range e.Problems {
		if reported.Path == p.Path && reported.Type == p.Type {
			return
		}
	}
	e.report(p)
}
