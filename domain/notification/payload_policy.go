package notification

import (
	"encoding/json"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
)

// PolicyEvaluated reports that the outcome of the policies for a tag changed.
type PolicyEvaluated struct {
	Target        image.Target
	Before, After Evidence
	Last, Current Evaluation
	// Acceptances are those that begin or cease to cover findings.
	Acceptances []acceptance.Change
}

// Evaluation is one outcome of the policies.
type Evaluation struct {
	Status      policy.Status
	FinalAction policy.Action
	// Document is the one of policy.Document. It is passed on unchanged.
	Document json.RawMessage
}

// Type is policy_eval.
func (PolicyEvaluated) Type() Type { return PolicyEval }

func (c PolicyEvaluated) subject() string { return c.Target.String() }

func (c PolicyEvaluated) summary() string {
	if c.Last.Status == c.Current.Status {
		return fmt.Sprintf("policy %s: %s, was %s", c.Current.Status, c.Current.FinalAction, c.Last.FinalAction) + ends(c.Acceptances) + c.After.incomplete()
	}
	return fmt.Sprintf("policy %s (%s), was %s (%s)", c.Current.Status, c.Current.FinalAction, c.Last.Status, c.Last.FinalAction) + ends(c.Acceptances) + c.After.incomplete()
}

type outcome struct {
	Status      policy.Status `json:"status"`
	FinalAction policy.Action `json:"final_action"`
}

func (c PolicyEvaluated) payload(shared common) any {
	type state struct {
		evidence
		outcome
	}
	return struct {
		common
		LastEval json.RawMessage `json:"last_eval"`
		CurrEval json.RawMessage `json:"curr_eval"`
		about
		outcome
		Previous    state             `json:"previous"`
		Acceptances acceptanceChanges `json:"acceptances,omitzero"`
		Counts      map[string]int    `json:"counts"`
	}{
		common:      shared,
		LastEval:    c.Last.Document,
		CurrEval:    c.Current.Document,
		about:       newAbout(c.Target, c.Before, c.After),
		outcome:     outcome{c.Current.Status, c.Current.FinalAction},
		Previous:    state{newEvidence(c.Before), outcome{c.Last.Status, c.Last.FinalAction}},
		Acceptances: newAcceptanceChanges(c.Acceptances),
		Counts:      rowCounts(c.Current.Document),
	}
}

// rowCounts are numbers of rows by action. A document of another form has none.
func rowCounts(document json.RawMessage) map[string]int {
	counts := map[string]int{"stop": 0, "warn": 0, "go": 0}
	rows, _ := policy.ResultRows(document)
	for _, row := range rows {
		if row.Action != "" {
			counts[string(row.Action)]++
		}
	}
	return counts
}
