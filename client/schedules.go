package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/enums/v1"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/workflows"
)

// Schedule runs a task regularly, one run at a time.
type Schedule struct {
	workflows.Task
	Every time.Duration
}

// EnsureSchedules creates missing schedules, each with a run at once.
func (c Client) EnsureSchedules(ctx context.Context, schedules []Schedule) error {
	for _, s := range schedules {
		if err := s.create(ctx, c.Temporal); err != nil && !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
			return fmt.Errorf("set up the schedule of %s: %w", s.ID, err)
		}
	}
	return nil
}

// RenewSchedules sets the intervals again, and runs each task now unless its schedule is
// paused.
func (c Client) RenewSchedules(ctx context.Context, schedules []Schedule) error {
	for _, s := range schedules {
		if err := c.renew(ctx, s); err != nil {
			return fmt.Errorf("renew the schedule of %s: %w", s.ID, err)
		}
	}
	return nil
}

func (s Schedule) spec() sdk.ScheduleSpec {
	return sdk.ScheduleSpec{Intervals: []sdk.ScheduleIntervalSpec{{Every: s.Every}}, Jitter: s.Every / 10}
}

func (s Schedule) create(ctx context.Context, connected sdk.Client) error {
	_, err := connected.ScheduleClient().Create(ctx, sdk.ScheduleOptions{
		ID:                 s.ID,
		Spec:               s.spec(),
		Overlap:            enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		TriggerImmediately: true,
		Action: &sdk.ScheduleWorkflowAction{
			ID: s.ID + "-scheduled", Workflow: workflows.TypeRunTask, TaskQueue: workflows.QueueMain,
			Args: []any{s.ID}, StaticSummary: "Scheduled run of " + s.ID, StaticDetails: workflows.About(workflows.TypeRunTask),
		},
	})
	return err
}

func (c Client) renew(ctx context.Context, s Schedule) error {
	handle := c.Temporal.ScheduleClient().GetHandle(ctx, s.ID)
	err := handle.Update(ctx, sdk.ScheduleUpdateOptions{DoUpdate: func(input sdk.ScheduleUpdateInput) (*sdk.ScheduleUpdate, error) {
		schedule, spec := input.Description.Schedule, s.spec()
		schedule.Spec = &spec
		return &sdk.ScheduleUpdate{Schedule: &schedule}, nil
	}})
	if err != nil {
		return err
	}
	return c.RunNow(ctx, s.ID)
}

// RunNow runs the task with that id, unless it runs already or its schedule is paused.
func (c Client) RunNow(ctx context.Context, id string) error {
	handle := c.Temporal.ScheduleClient().GetHandle(ctx, id)
	described, err := handle.Describe(ctx)
	if err != nil || described.Schedule.State != nil && described.Schedule.State.Paused {
		return err
	}
	return handle.Trigger(ctx, sdk.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP})
}
