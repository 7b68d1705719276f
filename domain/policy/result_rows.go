package policy

import (
	"encoding/json"
	"fmt"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// ResultRow is a row of a result document, for people.
type ResultRow struct {
	TriggerID, Gate, Trigger, Message string
	Action                            Action
	Whitelist                         string // name or id of the whitelist that waives it; empty for none
}

// ResultRows reads the rows of a result document, as Document wrote it. An error
// is of kind errkind.Invalid.
func ResultRows(document []byte) ([]ResultRow, error) {
	var content struct {
		Result map[string]json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(document, &content); err != nil {
		return nil, fmt.Errorf("read a result document: %w: %w", errkind.Invalid, err)
	}
	var rows []ResultRow
	for _, raw := range content.Result {
		var table struct {
			Result struct{ Rows [][]json.RawMessage }
		}
		// The keys beside the table are lists and texts.
		if json.Unmarshal(raw, &table) != nil {
			continue
		}
		for _, cells := range table.Result.Rows {
			rows = append(rows, resultRow(cells))
		}
	}
	return rows, nil
}

func resultRow(cells []json.RawMessage) ResultRow {
	var row ResultRow
	for i, into := range []any{nil, nil, &row.TriggerID, &row.Gate, &row.Trigger, &row.Message, &row.Action} {
		if into != nil && i < len(cells) {
			_ = json.Unmarshal(cells[i], into) // what is not a text stays empty
		}
	}
	var waiver struct {
		Name string `json:"whitelist_name"`
		ID   string `json:"whitelist_id"`
	}
	if len(cells) > 7 && json.Unmarshal(cells[7], &waiver) == nil {
		if row.Whitelist = waiver.Name; row.Whitelist == "" {
			row.Whitelist = waiver.ID
		}
	}
	return row
}
