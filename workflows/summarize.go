package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/databuild"
)

// Tags that are behind are waited for as long as they catch up.
const (
	checkAgain = 15 * time.Second
	idleChecks = 4 // checks which no more of them have caught up
)

// Summarize notifies in one summary an endpoint of what a new version of what
// analyzes or matches changed, when the tags that it touched have checked it.
func Summarize(ctx workflow.Context) (databuild.Summarized, error) {
	return watched(ctx, SummarizeID, summarize)
}

func summarize(ctx workflow.Context) (databuild.Summarized, error) {
	least, idle := 0, 0
	for checks := 0; ; checks++ {
		request := databuild.SummarizeRequest{Force: idle >= idleChecks}
		done, err := call(ctx, bulk, "tell what another scanner changed", Activities.Summarize, request)
		if err != nil || done.Behind == 0 || request.Force {
			workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Done\n\n%d changed lists are in summaries.\n", done.Notified))
			return done, err
		}
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Waiting for the tags that changed\n\n%d have yet to check it.\n", done.Behind))
		if idle++; checks == 0 || done.Behind < least {
			least, idle = done.Behind, 0
		}
		if err := workflow.Sleep(ctx, checkAgain); err != nil {
			return done, err
		}
	}
}
