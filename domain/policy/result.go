package policy

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// resultHeader names the columns of a result's rows.
var resultHeader = []string{"Image_Id", "Repo_Tag", "Trigger_Id", "Gate", "Trigger", "Check_Output", "Gate_Action", "Whitelisted", "Policy_Id"}

// Document is the evaluation as a document of Anchore Engine: the one that its
// policy_eval notifications and its check API carry. A nil bundle is left out.
func Document(e Evaluation, b *Bundle, userID string) ([]byte, error) {
	document := resultDocument{
		UserID: userID, ImageID: e.ImageID, ImageDigest: e.Digest, Tag: e.Reference.String(),
		Bundle: b, CreatedAt: epoch(e.EvaluatedAt), LastModified: epoch(e.EvaluatedAt),
		Mapping: orFalse(e.MatchedMapping), Whitelisted: orFalse(e.MatchedWhitelisted), Blacklisted: orFalse(e.MatchedBlacklisted),
		Result:      resultOf(e),
		FinalAction: e.FinalAction, Reason: e.Reason, Status: e.Status, Problems: append([]Problem{}, e.Problems...),
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encode evaluation of %s: %w", e.Reference, err)
	}
	return text, nil
}

// resultDocument has the keys of Anchore Engine's evaluation result.
type resultDocument struct {
	UserID       string          `json:"user_id"`
	ImageID      string          `json:"image_id"`
	ImageDigest  image.Digest    `json:"image_digest"`
	Tag          string          `json:"tag"`
	Bundle       *Bundle         `json:"bundle,omitempty"`
	Mapping      json.RawMessage `json:"matched_mapping_rule"`
	Whitelisted  json.RawMessage `json:"matched_whitelisted_images_rule"`
	Blacklisted  json.RawMessage `json:"matched_blacklisted_images_rule"`
	Result       map[string]any  `json:"result"`
	CreatedAt    int64           `json:"created_at"`    // seconds since 1970
	LastModified int64           `json:"last_modified"` // seconds since 1970
	FinalAction  Action          `json:"final_action"`
	Reason       Reason          `json:"final_action_reason"`
	Status       Status          `json:"status"`
	Problems     []Problem       `json:"evaluation_problems"`
}

// resultOf is the table under the image's id. The four keys beside it are always
// empty; parsers expect them.
func resultOf(e Evaluation) map[string]any {
	rows := make([][]any, 0, len(e.Rows))
	for _, r := range e.Rows {
		rows = append(rows, []any{
			e.ImageID, e.Reference.String(), r.TriggerID, r.Gate, r.Trigger, r.Message, r.Action, r.Waiver.cell(), r.PolicyID,
		})
	}
	table := map[string]any{"header": resultHeader, "row_count": len(rows), "rows": rows, "final_action": e.PolicyAction}
	return map[string]any{
		"policy_data": []any{}, "whitelist_data": []any{}, "policy_name": "", "whitelist_names": []any{},
		e.ImageID: map[string]any{"result": table},
	}
}

// cell is the value of the column Whitelisted.
func (x *Waiver) cell() any {
	if x == nil {
		return false
	}
	cell := map[string]any{
		"whitelist_name": orNull(x.WhitelistName), "whitelist_id": orNull(x.WhitelistID), "matched_rule_id": orNull(x.ItemID),
	}
	if x.Acceptance != nil {
		cell["acceptance"] = x.Acceptance
	}
	return cell
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func orFalse(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("false")
	}
	return raw
}

func epoch(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
