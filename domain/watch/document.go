package watch

import (
	"encoding/json"
)

// withBundle puts the evaluated bundle into a result document, where Anchore
// has it. Documents are kept without: one bundle serves them all.
func withBundle(document []byte, bundle json.RawMessage) json.RawMessage {
	var keys map[string]json.RawMessage
	if len(bundle) == 0 || json.Unmarshal(document, &keys) != nil {
		return document
	}
	keys["bundle"] = bundle
	whole, err := json.Marshal(keys)
	if err != nil {
		return document
	}
	return whole
}
