package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/watch"
)

// Tags that are behind are waited for as long as they catch up.
const (
	lookAgain = 15 * time.Second
	idleLooks = 4 // looks at which no more of them have caught up
)

// summarize tells what a new version of what analyzes or matches changed, when
// the tags that it touched have looked at it.
func summarize(ctx workflow.Context) error {
	least, idle := 0, 0
	for looks := 0; ; looks++ {
		request := watch.SummarizeRequest{Anyway: idle >= idleLooks}
		done, err := call(ctx, bulk, "tell what another scanner changed", Activities.Summarize, request)
		if err != nil || done.Behind == 0 || request.Anyway {
			return err
		}
		workflow.SetCurrentDetails(ctx, fmt.Sprintf("### Waiting for the tags that changed\n\n%d have yet to look at it.\n", done.Behind))
		if idle++; looks == 0 || done.Behind < least {
			least, idle = done.Behind, 0
		}
		if err := workflow.Sleep(ctx, lookAgain); err != nil {
			return err
		}
	}
}
