package workflows_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

// A newer analyzer has a known image analyzed again in the background: the pass
// does not wait for it, asks once, and the answer brings the next pass.
func TestWatchTagAsksForAnotherLook(t *testing.T) {
	t.Parallel()
	env, outside := newWorld(t)
	outside.request = answering(env, nil)
	outside.observe = func(pass int) (watch.Observation, error) {
		switch pass {
		case 1:
			seen := steady(first)
			seen.Newer = "syft 2"
			return seen, nil
		case 2: // with the new inventory, which is not matched yet
			seen := steady(first)
			seen.Matched, seen.Changed, seen.Newer = false, true, "syft 2"
			return seen, nil
		}
		return forgotten()
	}
	known := workflows.TagState{Target: target, Summary: watch.Summary{Target: target, Analyzed: first}}
	env.ExecuteWorkflow(workflows.WatchTag, known)
	finished(t, env)
	want := []watch.AnalysisRequest{{Target: target, Digest: first, Watcher: "default-test-workflow-id", Again: true, Urgency: watch.NotUrgent}}
	if diff := cmp.Diff(want, outside.requested); diff != "" {
		t.Errorf("requested analyses (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]image.Digest{first}, outside.matched); diff != "" {
		t.Errorf("matched (-want +got)\n%s", diff)
	}
	if waits := outside.waits(); len(waits) == 0 || waits[0] != 0 {
		t.Errorf("waits %v, want the second pass at once", waits)
	}
}

func TestWatchTagTellsHowUrgentAnAnalysisIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		known watch.Summary
		want  watch.Urgency
	}{
		"a new tag":        {watch.Summary{}, watch.UrgentFirst},
		"a tag that moved": {watch.Summary{Analyzed: "sha256:old"}, watch.UrgentMoved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			outside.request = answering(env, nil)
			outside.observe = func(pass int) (watch.Observation, error) {
				if pass > 1 {
					return forgotten()
				}
				return fresh(first), nil
			}
			env.ExecuteWorkflow(workflows.WatchTag, workflows.TagState{Target: target, Summary: test.known})
			finished(t, env)
			if len(outside.requested) != 1 || outside.requested[0].Urgency != test.want {
				t.Errorf("requested %+v, want urgency %d", outside.requested, test.want)
			}
		})
	}
}
