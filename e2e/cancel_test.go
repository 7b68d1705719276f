package e2e_test

import (
	"testing"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/lab"
)

// TestCanceledWatchers cancels the workflows of an installation as the Web UI does,
// at rest and in a step: they end, and reconcile starts again what is still watched.
func TestCanceledWatchers(t *testing.T) {
	t.Parallel()
	i := install(t)
	temporal := made(client.Dial(client.Options{HostPort: i.Temporal(), Logger: quiet{}}))(t)
	t.Cleanup(temporal.Close)
	reference := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	i.do("subscribe", "--wait", "--interval", "30s", reference)
	i.do("repository", "watch", i.registry.Host()+"/shop/web", "--no-verify")
	i.notified(1)

	slow, layer := i.pushSmall("slow/app:1")
	lift := i.registry.Fail(lab.Fault{Path: "/blobs/" + layer, Stall: true})
	defer lift()
	i.do("subscribe", slow)
	var analysis string
	i.eventually("the analysis of the slow image is under way", func() bool {
		digest := i.statusOf(slow).Digest
		analysis = "analyze-image:" + digest
		return digest != "" && i.runs(temporal, analysis)
	})
	watchers := []string{"watch-tag:" + reference, "watch-tag:" + slow, "watch-registry:" + i.registry.Host(),
		"watch-repository:" + i.registry.Host() + "/shop/web", "endpoint:receiver"}
	all, runs := append(watchers, analysis), map[string]string{}
	for _, id := range all {
		runs[id] = made(temporal.DescribeWorkflowExecution(t.Context(), id, ""))(t).GetWorkflowExecutionInfo().GetExecution().GetRunId()
		must(t, temporal.CancelWorkflow(t.Context(), id, runs[id]))
	}
	for _, id := range all {
		var info *workflow.WorkflowExecutionInfo
		i.eventually(id+" ends", func() bool {
			info = made(temporal.DescribeWorkflowExecution(t.Context(), id, runs[id]))(t).GetWorkflowExecutionInfo()
			return info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_RUNNING
		})
		if info.GetStatus() != enums.WORKFLOW_EXECUTION_STATUS_CANCELED || info.GetHistoryLength() > 500 {
			t.Errorf("%s ended as %s after %d events", id, info.GetStatus(), info.GetHistoryLength())
		}
	}
	lift()
	i.reconcile()
	for _, id := range watchers {
		i.eventually(id+" runs again", func() bool { return i.runs(temporal, id) })
	}
	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	if got := kinds(i.notified(4)); got["tag_update"] != 1 || got["analysis_update"] != 3 {
		t.Errorf("notified of %v, want the move and the analyses of both tags", got)
	}
}

// runs reports whether a workflow runs.
func (i *installation) runs(temporal client.Client, id string) bool {
	i.t.Helper()
	described, err := temporal.DescribeWorkflowExecution(i.t.Context(), id, "")
	return err == nil && described.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}
