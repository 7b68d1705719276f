package policy

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Evaluation is the result of a bundle for an image under a reference.
type Evaluation struct {
	Reference  image.Reference `json:"reference"`
	Digest     image.Digest    `json:"digest"`   // of the manifest
	ImageID    string          `json:"image_id"` // 64 hexadecimal digits
	BundleID   string          `json:"bundle_id"`
	BundleHash string          `json:"bundle_hash"`
	// EvaluatedAt is the time that rules about age compare with; Next is when the
	// outcome can change by time alone, zero for never.
	EvaluatedAt time.Time `json:"evaluated_at"`
	Next        time.Time `json:"next,omitzero"`

	Status      Status `json:"status"`
	FinalAction Action `json:"final_action"`
	Reason      Reason `json:"reason"`
	// PolicyAction is the action of the policies, without the image lists.
	PolicyAction Action    `json:"policy_action"`
	Rows         []Row     `json:"rows"`
	Problems     []Problem `json:"problems"`

	MappingID   string `json:"mapping_id,omitempty"`
	MappingName string `json:"mapping_name,omitempty"`
	// MatchedMapping, MatchedWhitelisted and MatchedBlacklisted are the entries
	// of the bundle that selected the image, as they were uploaded; nil for none.
	MatchedMapping     json.RawMessage `json:"matched_mapping,omitempty"`
	MatchedWhitelisted json.RawMessage `json:"matched_whitelisted,omitempty"`
	MatchedBlacklisted json.RawMessage `json:"matched_blacklisted,omitempty"`
}

// Under is the evaluation as that of another reference with the same Bundle.Key.
func (e Evaluation) Under(reference image.Reference) Evaluation {
	e.Reference, e.Problems = reference, slices.Clone(e.Problems)
	for i, p := range e.Problems {
		if p.Type == problemNoMapping {
			e.Problems[i] = noMapping(reference)
		}
	}
	return e
}

func noMapping(reference image.Reference) Problem {
	return Problem{"mappings", Warning, problemNoMapping, "no mapping is for " + reference.String() + ", so no policy applies"}
}

// Reason is what decided the final action.
type Reason string

// The reasons.
const (
	PolicyEvaluation Reason = "policy_evaluation"
	Whitelisted      Reason = "whitelisted"
	Blacklisted      Reason = "blacklisted"
)

// Row is one occurrence of a trigger and the decision about it.
type Row struct {
	TriggerID string `json:"trigger_id"`
	// Aliases are the trigger ids under other names of the same vulnerability;
	// whitelist items match them too.
	Aliases  []string `json:"trigger_id_aliases,omitempty"`
	Gate     string   `json:"gate"`
	Trigger  string   `json:"trigger"`
	Message  string   `json:"message"`
	Action   Action   `json:"action"` // go if it is whitelisted
	PolicyID string   `json:"policy_id"`
	RuleID   string   `json:"rule_id,omitempty"`
	// RuleAction is the action of the rule, before whitelists.
	RuleAction Action  `json:"rule_action"`
	Waiver     *Waiver `json:"waiver,omitempty"`
}

// AcceptancesID stands for the id of a whitelist where an acceptance lets an occurrence pass.
const AcceptancesID = "acceptances"

// Waiver is the whitelist item, or the acceptance, that lets an occurrence pass.
type Waiver struct {
	WhitelistID   string    `json:"whitelist_id,omitempty"`
	WhitelistName string    `json:"whitelist_name,omitempty"`
	ItemID        string    `json:"item_id,omitempty"`
	TriggerID     string    `json:"trigger_id"` // the item's pattern
	Expires       time.Time `json:"expires,omitzero"`
	// Acceptance is nil for a whitelist item.
	Acceptance *vuln.Accepted `json:"acceptance,omitempty"`
}

func stricter(a, b Action) Action {
	for _, action := range []Action{Stop, Warn} {
		if a == action || b == action {
			return action
		}
	}
	return Go
}

type Action string

// The actions, the strictest first.
const (
	Stop Action = "stop"
	Warn Action = "warn"
	Go   Action = "go"
)

// Status is the outcome of an evaluation for people: go and warn pass.
type Status string

// The statuses.
const (
	Pass Status = "pass"
	Fail Status = "fail"
)
