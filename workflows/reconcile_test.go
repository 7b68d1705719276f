package workflows_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestReconcile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		request  watcher.ReconcileRequest
		restored int
	}{
		{"for good", watcher.ReconcileRequest{}, 1},
		{"dry run", watcher.ReconcileRequest{DryRun: true}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			env.ExecuteWorkflow(workflows.Reconcile, test.request)
			finished(t, env)
			var got watcher.Reconciled
			if err := env.GetWorkflowResult(&got); err != nil {
				t.Fatal(err)
			}
			want := watcher.Reconciled{DryRun: test.request.DryRun, Deliveries: watcher.DeliveriesCompared{Overdue: 2}}
			var asked []watcher.CompareRequest
			for _, kind := range watcher.Kinds {
				want.Watchers = append(want.Watchers, watcher.Compared{Kind: kind, Wanted: 3, Missing: 1, MissingNames: []string{"one"}})
				asked = append(asked, watcher.CompareRequest{Kind: kind, DryRun: test.request.DryRun})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("outcome (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(asked, outside.compared); diff != "" {
				t.Errorf("compared (-want +got)\n%s", diff)
			}
			if outside.restored != test.restored {
				t.Errorf("Temporal restored %d times, want %d", outside.restored, test.restored)
			}
		})
	}
}
