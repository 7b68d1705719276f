package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/delivery"
)

// TypeTestEndpoint is the name of the workflow type TestEndpoint.
const TypeTestEndpoint = "TestEndpoint"

// TestEndpoint sends one sample notification, once: a person waits for the
// answer.
func TestEndpoint(ctx workflow.Context, request delivery.TestRequest) (delivery.TestResult, error) {
	options := asked
	options.TaskQueue = QueueDelivery
	return call(ctx, options, fmt.Sprintf("send a sample %s", request.Type), Activities.TestEndpoint, request)
}
