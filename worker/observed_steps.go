package main

import (
	"context"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
)

// stepCounter counts the steps that fail, by their kind of fault.
type stepCounter struct {
	interceptor.WorkerInterceptorBase
	meters *meters
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (c *stepCounter) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	counted := &countedStep{meters: c.meters}
	counted.Next = next
	return counted
}

type countedStep struct {
	interceptor.ActivityInboundInterceptorBase
	meters *meters
}

// ExecuteActivity implements interceptor.ActivityInboundInterceptor.
func (s *countedStep) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	step := activity.GetInfo(ctx).ActivityType.Name
	s.meters.expectStep(step)
	result, err := s.Next.ExecuteActivity(ctx, in)
	if err != nil {
		s.meters.failures.WithLabelValues(step, kindOf(err)).Inc()
	}
	return result, err
}
