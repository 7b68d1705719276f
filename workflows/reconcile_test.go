package workflows_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

func TestReconcile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		request  watch.ReconcileRequest
		restored int
	}{
		{"for good", watch.ReconcileRequest{}, 1},
		{"dry run", watch.ReconcileRequest{DryRun: true}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			env, outside := newWorld(t)
			env.ExecuteWorkflow(workflows.Reconcile, test.request)
			finished(t, env)
			var got watch.Reconciled
			if err := env.GetWorkflowResult(&got); err != nil {
				t.Fatal(err)
			}
			want := watch.Reconciled{DryRun: test.request.DryRun, Deliveries: watch.DeliveriesCompared{Overdue: 2}}
			var asked []watch.CompareRequest
			for _, kind := range watch.WatcherKinds {
				want.Watchers = append(want.Watchers, watch.Compared{Kind: kind, Wanted: 3, Missing: 1, MissingNames: []string{"one"}})
				asked = append(asked, watch.CompareRequest{Kind: kind, DryRun: test.request.DryRun})
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
