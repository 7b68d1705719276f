package workflows

import (
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// An evaluation that waits for a package registry did not fail the resync, and the
// status beside it may be that of an earlier image.
func TestTagDetailsOfAnOldEvaluation(t *testing.T) {
	t.Parallel()
	w := tagWatcher{TagState: TagState{Summary: watch.Summary{Status: "pass", Problem: &condition.Problem{Stage: condition.StageEvaluate, Message: "no answer"}}}}
	if details := w.Details(); !strings.Contains(details, "| **Problem** | no answer") {
		t.Errorf("no problem in\n%s", details)
	}
	w.Problem = &condition.Problem{Stage: condition.StageResolve, Message: "gone"}
	if details := w.Details(); !strings.Contains(details, "| **Problem** | gone") {
		t.Errorf("no problem in\n%s", details)
	}
}
