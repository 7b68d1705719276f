package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/databuild"
)

// Tags that have yet to be checked are waited for as long as their number falls.
const (
	checkAgain = 15 * time.Second
	idleChecks = 4 // checks in a row in which it did not
)

// Summarize sends one summary to each endpoint for all changes that came with a new version
// of the analyzer or the matcher, instead of a notification for each tag. Its schedule
// starts it (see RunTask).
//
// While tags have yet to be checked with the new version it asks again every 15 s, as long
// as their number falls; when it has not fallen for 4 checks it sends what there is, and
// the next run the rest. Its step is repeated until it succeeds; a crash sends nothing
// twice, as what is in a summary is marked in the same transaction.
func Summarize(ctx workflow.Context) (databuild.Summarized, error) {
	return watched(ctx, SummarizeID, summarize)
}

func summarize(ctx workflow.Context) (databuild.Summarized, error) {
	least, idle := 0, 0
	for checks := 0; ; checks++ {
		request := databuild.SummarizeRequest{Force: idle >= idleChecks}
		done, err := call(ctx, bulk, "send summaries of what a new analyzer or matcher changed", Activities.Summarize, request)
		if err != nil || done.Behind == 0 || request.Force {
			workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Done\n\n%d changes sent in summaries.\n", done.Notified))
			return done, err
		}
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Waiting for tags\n\n%d have yet to be checked with the new version.\n", done.Behind))
		if idle++; checks == 0 || done.Behind < least {
			least, idle = done.Behind, 0
		}
		if err := workflow.Sleep(ctx, checkAgain); err != nil {
			return done, err
		}
	}
}
