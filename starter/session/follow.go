package session

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.temporal.io/api/sdk/v1"
	"go.temporal.io/api/serviceerror"
	temporal "go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// Follow waits for a workflow that may take long, and prints its steps. goesOn is what an
// interrupted command prints.
func (s *Session) Follow(ctx context.Context, linked *Link, id, goesOn string, wait func(context.Context) error) error {
	watching, stop := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { s.narrate(watching, linked.Client.Temporal, id) })
	s.Shown()
	err := wait(ctx)
	stop()
	following.Wait()
	if err != nil && ctx.Err() != nil {
		return Meanwhile(ctx, err, goesOn)
	}
	if exit.Is[*serviceerror.Unavailable](err) {
		return &exit.Unreachable{Address: linked.Address, Cause: err}
	}
	return exit.Answered(err)
}

func (s *Session) narrate(ctx context.Context, connected temporal.Client, id string) {
	ticker := time.NewTicker(Glance)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if step := stepOfWorkflow(ctx, connected, id); step != "" && step != said && ctx.Err() == nil {
			s.say("%s", step)
			said = step
		}
	}
}

// stepOfWorkflow is the headline of the workflow with the detail of its current step; "" if
// neither can be read.
func stepOfWorkflow(ctx context.Context, connected temporal.Client, id string) string {
	ctx, cancel := context.WithTimeout(ctx, QueryTimeout)
	defer cancel()
	described, err := connected.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return ""
	}
	if client.Idle(described) {
		return "waiting for a worker; make sure one is running (tagwatch up or tagwatch-worker)"
	}
	pending, detail := client.PendingDetail(described)
	if !pending {
		return "" // done, or about to begin
	}
	return client.Phrase(headlineOf(ctx, connected, id), detail)
}

// headlineOf is the title of the workflow's current details.
func headlineOf(ctx context.Context, connected temporal.Client, id string) string {
	answer, err := connected.QueryWorkflow(ctx, id, "", "__temporal_workflow_metadata")
	if err != nil {
		return ""
	}
	var metadata sdk.WorkflowMetadata
	if answer.Get(&metadata) != nil {
		return ""
	}
	title, _, _ := strings.Cut(metadata.GetCurrentDetails(), "\n")
	return strings.ReplaceAll(strings.TrimLeft(title, "# "), "`", "")
}

// Glance is the time between two checks of running work.
const Glance = 500 * time.Millisecond
