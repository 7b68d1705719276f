package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

const (
	moved = `{"dataId": %q, "queueId": "tag_update", "created_at": 4102444800, "data": {"notification_payload": {"subscription_key": "app:1", "cause": "image", "last_eval": ["sha256:a"], "curr_eval": [%q]}}}`
	grew  = `{"dataId": %q, "queueId": "repo_update", "created_at": 4102444800, "data": {"notification_payload": {"subscription_key": "app", "cause": "image", "new_tags": ["1", "2"]}}}`
)

// TestLedger holds the ledger to its word: what it does not notice, no run would.
func TestLedger(t *testing.T) {
	t.Parallel()
	move := expectation{kind: "tag_update", key: "app:1", causes: []string{"image"}}.from("sha256:a").to("sha256:b")
	growth := expectation{kind: "repo_update", key: "app", causes: []string{"image"}}
	tests := []struct {
		name     string
		expected []expectation
		bodies   []string
		says     string // empty: it balances
	}{
		{"everything came", []expectation{move}, []string{fmt.Sprintf(moved, "1", "sha256:b")}, ""},
		{"repeated with its id", []expectation{move}, []string{fmt.Sprintf(moved, "1", "sha256:b"), fmt.Sprintf(moved, "1", "sha256:b")}, ""},
		{"notified together", []expectation{growth.to("2"), growth.to("1")}, []string{fmt.Sprintf(grew, "1")}, ""},
		{"with two ids", []expectation{move}, []string{fmt.Sprintf(moved, "1", "sha256:b"), fmt.Sprintf(moved, "2", "sha256:b")}, "unexpected: tag_update of app:1"},
		{"one id, two contents", []expectation{growth.to("1")}, []string{fmt.Sprintf(grew, "1"), strings.Replace(fmt.Sprintf(grew, "1"), "image", "feed", 1)}, "one id came with two contents"},
		{"missing", []expectation{move, growth.to("3")}, []string{fmt.Sprintf(moved, "1", "sha256:b")}, "missing:    repo_update of app"},
		{"to another image", []expectation{move}, []string{fmt.Sprintf(moved, "1", "sha256:c")}, "unexpected: tag_update"},
		{"nothing expected", nil, []string{fmt.Sprintf(moved, "1", "sha256:b")}, "unexpected: tag_update"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			receiver, err := lab.NewReceiver()
			if err != nil {
				t.Fatal(err)
			}
			defer receiver.Close()
			l := newLedger(receiver)
			l.expect(test.expected...)
			for _, body := range test.bodies {
				if _, err := http.Post(receiver.URL(), "application/json", strings.NewReader(body)); err != nil {
					t.Fatal(err)
				}
			}
			_, err = l.account()
			if err == nil {
				err = l.report()
			}
			if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("it says %v, want %q", err, test.says)
			}
		})
	}
}

func TestPlanFollowsFromItsSeed(t *testing.T) {
	t.Parallel()
	chosen := slices.Concat(victims, faults)
	for seed := range int64(200) {
		p := newPlan(seed, chosen)
		if p.String() != newPlan(seed, chosen).String() {
			t.Fatalf("seed %d has two plans", seed)
		}
		if len(p.moves) == 0 || len(p.kills) == 0 || len(p.rollouts) == 0 {
			t.Fatalf("seed %d does too little: %s", seed, p)
		}
	}
}

// TestFaultsTakeTurns from seed to seed, each with its forms one after the other.
func TestFaultsTakeTurns(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range int64(30) {
		p := newPlan(seed, slices.Concat(victims, faults))
		seen[p.fault.kind] = true
		seen[fmt.Sprintf("%s %d", p.fault.kind, p.fault.form%2)] = true
	}
	if len(seen) != 3*len(faults) {
		t.Errorf("of 30 seeds there are %v", seen)
	}
	for seed := range int64(30) {
		if p := newPlan(seed, []string{stop}); p.fault.kind != stop || p.kills != nil {
			t.Errorf("seed %d does more than what was chosen: %s", seed, p)
		}
		if p := newPlan(seed, []string{worker}); p.fault != nil || len(p.kills) != 1 {
			t.Errorf("seed %d does other things than what was chosen: %s", seed, p)
		}
	}
}
