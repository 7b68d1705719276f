package e2e_test

import (
	"strings"
	"testing"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/lab"
)

// TestAnotherAnalyzerChecksKnownImages: a worker with other settings comes up
// beside the one that analyzed the images. It has them analyzed again, each once,
// although both take the work; nothing is notified, for nothing changes.
func TestAnotherAnalyzerChecksKnownImages(t *testing.T) {
	t.Parallel()
	i := install(t, "TAGWATCH_RENEW_PACE=3600")
	temporal := made(client.Dial(client.Options{HostPort: i.Temporal(), Logger: quiet{}}))(t)
	t.Cleanup(temporal.Close)
	for _, name := range []string{"shop/api:1", "shop/web:1"} {
		i.do("subscribe", i.push(name, lab.Debian(lab.Bookworm(lab.Deb{Name: strings.ReplaceAll(name, "/", "-"), Version: "1"})...)), "--wait")
	}
	i.notified(2)

	i.startWorker("TAGWATCH_RENEW_PACE=3600", "TAGWATCH_RETRIEVE_FILES=/etc/os-release")
	i.eventually("both images are analyzed again", func() bool { return i.renewed(temporal) >= 2 })
	if n := i.renewed(temporal); n != 2 {
		t.Errorf("%d renewals, want 2", n)
	}
	i.notified(2)
}

// renewed is how many images the runs of RenewAnalyses that have ended renewed.
func (i *installation) renewed(temporal client.Client) (images int) {
	i.t.Helper()
	ended := made(temporal.ListWorkflow(i.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: "WorkflowType = 'RenewAnalyses' AND ExecutionStatus = 'Completed'"}))(i.t)
	for _, run := range ended.GetExecutions() {
		var outcome struct{ Renewed int }
		must(i.t, temporal.GetWorkflow(i.t.Context(), run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId()).Get(i.t.Context(), &outcome))
		images += outcome.Renewed
	}
	return images
}
