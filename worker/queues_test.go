package main

import (
	"testing"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/workflows"
)

// Each type of workflow is taken from exactly one queue, the one that it is started
// in, and some role serves each queue.
func TestEachWorkflowHasOneQueue(t *testing.T) {
	t.Parallel()
	taken := map[string]string{}
	for _, q := range queues(config.Worker{AnalysisSlots: 1}) {
		for name := range definitionsOf(q) {
			if other, twice := taken[name]; twice {
				t.Errorf("%s is taken from %s and %s", name, other, q.name)
			}
			taken[name] = q.name
		}
		if q.role == "" || q.slots == 0 {
			t.Errorf("nobody serves %+v", q)
		}
	}
	for name := range workflows.Definitions {
		if taken[name] != workflows.QueueOf(name) {
			t.Errorf("%s is started in %s and taken from %q", name, workflows.QueueOf(name), taken[name])
		}
	}
}
