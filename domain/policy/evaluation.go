package policy

import (
	"encoding/json"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Evaluation is what a bundle says about an image under a reference.
type Evaluation struct {
	Reference  image.Reference `json:"reference"`
	Digest     image.Digest    `json:"digest"`   // of the manifest
	ImageID    string          `json:"image_id"` // 64 hexadecimal digits
	BundleID   string          `json:"bundle_id"`
	BundleHash string          `json:"bundle_hash"`
	// EvaluatedAt is the moment the evaluation was made for; Next is the moment
	// at which its outcome can change by time alone, zero for never.
	EvaluatedAt time.Time `json:"evaluated_at"`
	Next        time.Time `json:"next,omitzero"`

	Status      Status `json:"status"`
	FinalAction Action `json:"final_action"`
	Reason      Reason `json:"reason"`
	// PolicyAction is what the policies come to, without the image lists.
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

// Reason reports what decided the final action.
type Reason string

// The reasons.
const (
	PolicyEvaluation Reason = "policy_evaluation"
	Whitelisted      Reason = "whitelisted"
	Blacklisted      Reason = "blacklisted"
)

// Row is one occurrence of a trigger and what was decided about it.
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
	// RuleAction is what the rule asks for.
	RuleAction Action  `json:"rule_action"`
	Waiver     *Waiver `json:"waiver,omitempty"`
}

// Waiver is the whitelist item that lets an occurrence pass.
type Waiver struct {
	WhitelistID   string    `json:"whitelist_id,omitempty"`
	WhitelistName string    `json:"whitelist_name,omitempty"`
	ItemID        string    `json:"item_id,omitempty"`
	TriggerID     string    `json:"trigger_id"` // the item's pattern
	Expires       time.Time `json:"expires,omitzero"`
}

// lower is the stricter of two actions.
func lower(a, b Action) Action {
	if a == Stop || b == Stop {
		return Stop
	}
	if a == Warn || b == Warn {
		return Warn
	}
	return Go
}
