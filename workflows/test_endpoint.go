package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

// TypeTestEndpoint is the name of the workflow type TestEndpoint.
const TypeTestEndpoint = "TestEndpoint"

// TestEndpoint sends one sample notification and returns the receiver's answer: a person
// waits for it. An attempt that the receiver refuses is a result, and is not retried.
func TestEndpoint(ctx workflow.Context, request delivery.TestRequest) (delivery.TestResult, error) {
	options := interactive
	options.TaskQueue = QueueDelivery
	return call(ctx, options, fmt.Sprintf("send a sample %s", request.Type), Activities.TestEndpoint, request)
}
