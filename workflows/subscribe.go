package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// subscribing is for a page of tags that a person waits for: their registry may be
// slow, or allow few requests.
var subscribing = workflow.ActivityOptions{
	Priority:            urgent,
	StartToCloseTimeout: 10 * time.Minute,
	HeartbeatTimeout:    heartbeatTimeout,
	RetryPolicy:         interactive.RetryPolicy,
}

// Subscribe subscribes to a page of tags: its step verifies that they exist, stores the
// subscriptions and starts their watchers. The command line and the API start it and wait
// for the result, which has one entry for each tag, in the order of the request. The id is
// made of the request, so that a repeated request joins the one that runs.
//
// Tags whose registry does not respond are tried again, up to 3 times in all; the others
// are stored by then. A step that fails 3 times fails the run: a person waits, and can
// repeat the request, which changes nothing that is stored already.
func Subscribe(ctx workflow.Context, request subscription.Request) ([]subscription.Result, error) {
	answers := map[image.Target]subscription.Result{}
	left := request
	for try := 1; ; try++ {
		answered, err := call(ctx, subscribing, SubscribeSummary(left), Activities.Subscribe, left)
		if err != nil {
			return nil, err
		}
		for i, target := range left.Targets {
			answers[target] = answered[i]
		}
		left.Targets = slices.DeleteFunc(slices.Clone(left.Targets), func(target image.Target) bool {
			refused := answers[target].Refused
			return refused == nil || permanent(refused)
		})
		if len(left.Targets) == 0 || try == int(subscribing.RetryPolicy.MaximumAttempts) {
			break
		}
		if err := workflow.Sleep(ctx, time.Duration(try)*subscribing.RetryPolicy.InitialInterval); err != nil {
			return nil, err
		}
	}
	result := make([]subscription.Result, len(request.Targets))
	for i, target := range request.Targets {
		result[i] = answers[target]
	}
	return result, nil
}

// SubscribeSummary says in a line what a request asks for.
func SubscribeSummary(request subscription.Request) string {
	if len(request.Targets) == 1 {
		return "subscribe to " + request.Targets[0].String()
	}
	return fmt.Sprintf("subscribe to %d tags", len(request.Targets))
}
