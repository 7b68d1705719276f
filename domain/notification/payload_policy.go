package notification

import (
	"encoding/json"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
)

// PolicyEvaluated reports that the outcome of the policies for a tag changed.
type PolicyEvaluated struct {
	Target        image.Target
	Before, After Evidence
	Last, Current Evaluation
}

// Evaluation is one outcome of the policies.
type Evaluation struct {
	Status      policy.Status
	FinalAction policy.Action
	// Document is Anchore's evaluation result with image_digest, status and
	// bundle, as JSON. It is passed on as it is.
	Document json.RawMessage
}

// Type is policy_eval.
func (PolicyEvaluated) Type() Type { return PolicyEval }

func (c PolicyEvaluated) subject() string { return c.Target.String() }

func (c PolicyEvaluated) summary() string {
	if c.Last.Status == c.Current.Status {
		return fmt.Sprintf("policy %s: %s, was %s", c.Current.Status, c.Current.FinalAction, c.Last.FinalAction) + c.After.uncovered()
	}
	return fmt.Sprintf("policy %s (%s), was %s (%s)", c.Current.Status, c.Current.FinalAction, c.Last.Status, c.Last.FinalAction) + c.After.uncovered()
}

// outcome is an evaluation in two words.
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
		Previous state          `json:"previous"`
		Counts   map[string]int `json:"counts"`
	}{
		common:   shared,
		LastEval: c.Last.Document,
		CurrEval: c.Current.Document,
		about:    newAbout(c.Target, c.Before, c.After),
		outcome:  outcome{c.Current.Status, c.Current.FinalAction},
		Previous: state{newEvidence(c.Before), outcome{c.Last.Status, c.Last.FinalAction}},
		Counts:   rowCounts(c.Current.Document),
	}
}

// rowCounts is the number of rows of an evaluation result by gate action.
func rowCounts(document json.RawMessage) map[string]int {
	counts := map[string]int{"stop": 0, "warn": 0, "go": 0}
	for _, row := range resultRows(document) {
		countRow(counts, row)
	}
	return counts
}

// resultRows are the rows of an evaluation result. A document without rows, or
// of another form, has none.
func resultRows(document json.RawMessage) (rows [][]any) {
	var tables struct {
		Result map[string]json.RawMessage `json:"result"`
	}
	if json.Unmarshal(document, &tables) != nil {
		return nil
	}
	for _, raw := range tables.Result { // the table lies under the image's id, beside fixed keys
		var table struct {
			Result struct{ Rows [][]any }
		}
		if json.Unmarshal(raw, &table) == nil {
			rows = append(rows, table.Result.Rows...)
		}
	}
	return rows
}

// gateAction is the column Gate_Action of a result's rows.
const gateAction = 6

func countRow(counts map[string]int, row []any) {
	if len(row) <= gateAction {
		return
	}
	if action, ok := row[gateAction].(string); ok {
		counts[action]++
	}
}
