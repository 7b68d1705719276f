package watch_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestDecideFailing(t *testing.T) {
	t.Parallel()
	record := &watch.Problem{Stage: watch.StageEvaluate, Message: "constraint", Since: noon}
	later := &watch.Problem{Stage: watch.StageMatch, Message: "no disk", Since: noon.Add(time.Hour)}
	goesOn := &watch.Problem{Stage: watch.StageMatch, Message: "no disk", Since: noon}
	for name, test := range map[string]struct {
		before, now, kept *watch.Problem
		turn              watch.StepTurn
	}{
		"all is well":       {nil, nil, nil, watch.StepsAsEver},
		"it begins to fail": {nil, record, record, watch.StepsFail},
		"it goes on":        {record, later, goesOn, watch.StepsAsEver},
		"it recovers":       {record, nil, nil, watch.StepsRecover},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept, turn := watch.DecideFailing(test.before, test.now)
			if diff := cmp.Diff(test.kept, kept); diff != "" || turn != test.turn {
				t.Errorf("turn %q, want %q; kept (-want +got)\n%s", turn, test.turn, diff)
			}
		})
	}
}
