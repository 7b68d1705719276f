package watch_test

import (
	"encoding/json"
	"testing"

	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// Documents are recorded without the bundle and notified with it, each with its own.
func TestDecideNotifiesBundles(t *testing.T) {
	t.Parallel()
	seen := unchanged()
	seen.Evaluation = evaluation(older, policy.Stop)
	seen.LastBundle, seen.Bundle = json.RawMessage(`{"id":"last"}`), json.RawMessage(`{"id":"now"}`)
	decision := decide(t, recorded(), seen, everyone(subscription.Options{}))
	type document struct{ Bundle struct{ ID string } }
	var payload struct {
		Last    document `json:"last_eval"`
		Current document `json:"curr_eval"`
	}
	if err := json.Unmarshal(decision.Notifications[0].Payload, &payload); err != nil {
		t.Fatal(err)
	}
	if payload.Last.Bundle.ID != "last" || payload.Current.Bundle.ID != "now" {
		t.Errorf("bundles %+v", payload)
	}
	if got := string(decision.State.Evaluation.Document); got != `{"status":"fail"}` {
		t.Errorf("recorded document %s", got)
	}
}
