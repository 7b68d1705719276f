package workflows

import (
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Analyses that wait are ordered by urgency, then by turns of the repositories.
func TestAnalysisWaitsInTurn(t *testing.T) {
	t.Parallel()
	app := image.Repository{Registry: "registry.example.com", Path: "team/app"}
	long := image.Repository{Registry: "registry.example.com", Path: strings.Repeat("deep/", 30) + "app"}
	for name, test := range map[string]struct {
		urgency    analysis.Urgency
		repository image.Repository
		want       temporal.Priority
	}{
		"a new tag":        {analysis.UrgentFirst, app, temporal.Priority{PriorityKey: 3, FairnessKey: "registry.example.com/team/app"}},
		"a tag that moved": {analysis.UrgentMoved, app, temporal.Priority{PriorityKey: 2, FairnessKey: "registry.example.com/team/app"}},
		"a known image":    {analysis.NotUrgent, app, temporal.Priority{PriorityKey: 5, FairnessKey: "registry.example.com/team/app"}},
		"a long name":      {analysis.UrgentFirst, long, temporal.Priority{PriorityKey: 3, FairnessKey: "/" + strings.Repeat("deep/", 12) + "app"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := analysis.Request{Urgency: test.urgency, Target: image.Target{Reference: image.Reference{Repository: test.repository, Tag: "1"}}}
			if got := analysisOf(asked); got.Priority != test.want || got.TaskQueue != QueueAnalysis {
				t.Errorf("priority %+v on %s, want %+v on %s", got.Priority, got.TaskQueue, test.want, QueueAnalysis)
			}
		})
	}
}
