package operations

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestStepOf(t *testing.T) {
	t.Parallel()
	known := func(analyzed image.Digest, matched bool, status policy.Status) watch.Summary {
		return watch.Summary{Resolved: image.Resolved{Manifest: "sha256:new"}, Analyzed: analyzed, Matched: matched, Status: status}
	}
	failing := &condition.Problem{Message: "too large"}
	tests := []struct {
		name     string
		state    workflows.TagState
		complete bool
		step     string
	}{
		{"just started", workflows.TagState{}, false, "waiting for the first check"},
		{"at work", workflows.TagState{Doing: "analyzing image abc", Summary: known("sha256:old", true, policy.Pass)}, false, "analyzing image abc"},
		{"another image", workflows.TagState{Summary: known("sha256:old", true, policy.Pass)}, false, "waiting for the first check"},
		{"no data yet", workflows.TagState{Summary: known("sha256:new", false, "")}, false,
			"analyzed; waiting for vulnerability data, see: tagwatch feed status"},
		{"not evaluated", workflows.TagState{Summary: known("sha256:new", true, "")}, false, "waiting for the evaluation"},
		{"all done", workflows.TagState{Summary: known("sha256:new", true, policy.Fail)}, true, "waiting for the evaluation"},
		{"all done, and again at work", workflows.TagState{Doing: "evaluating policies", Summary: known("sha256:new", true, policy.Fail)}, false,
			"evaluating policies"},
		{"failing", workflows.TagState{Problem: failing, Summary: known("sha256:new", true, policy.Fail)}, false, "waiting for the evaluation"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := complete(test.state); got != test.complete {
				t.Errorf("complete: got %t", got)
			}
			if got := stepOf(test.state); got != test.step {
				t.Errorf("step: got %q, want %q", got, test.step)
			}
		})
	}
}
