package workflows

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/google/uuid"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TypeTestEndpoint is the name of the workflow type TestEndpoint.
const TypeTestEndpoint = "TestEndpoint"

// TestEndpoint sends one sample notification, once: a person waits for the
// answer.
func TestEndpoint(ctx workflow.Context, request watch.TestRequest) (watch.TestResult, error) {
	options := asked
	options.TaskQueue = QueueDelivery
	return call(ctx, options, fmt.Sprintf("send a sample %s", request.Type), Activities.TestEndpoint, request)
}

// TestEndpoint has a worker send a sample notification to an endpoint, and
// returns what came of it.
func (c Client) TestEndpoint(ctx context.Context, name string, t event.Type) (result watch.TestResult, err error) {
	options := options("test-endpoint:"+name+":"+uuid.NewString(), "Sample notification to endpoint "+name)
	run, err := c.Temporal.ExecuteWorkflow(ctx, options, TestEndpoint, watch.TestRequest{Endpoint: name, Type: t})
	if err != nil {
		return result, Restore(err)
	}
	err = Restore(run.Get(ctx, &result))
	return result, err
}
