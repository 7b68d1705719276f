package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

// schedule is a workflow that runs regularly, one run at a time.
type schedule struct {
	id, workflow, summary string
	argument              any
	every                 time.Duration
}

func schedules(settings config.Worker) []schedule {
	return []schedule{
		{workflows.SyncFeedID, workflows.TypeSyncFeed, "Vulnerability data: synchronization", watch.SyncRequest{}, settings.FeedInterval},
		{workflows.ReconcileID, workflows.TypeReconcile, "Comparison of the store with what runs", watch.ReconcileRequest{}, settings.Reconcile},
		{workflows.RenewAnalysesID, workflows.TypeRenewAnalyses, workflows.RenewalSummary, workflows.RenewalState{}, settings.Reconcile},
	}
}

// ensureSchedules creates the schedules that Temporal does not know, each with a
// run at once.
func ensureSchedules(ctx context.Context, connected client.Client, settings config.Worker) error {
	for _, s := range schedules(settings) {
		if err := s.create(ctx, connected); err != nil && !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
			return fmt.Errorf("set the schedule of %s up: %w", s.id, err)
		}
	}
	return nil
}

// renewSchedules sets the intervals of this worker's settings, and has each
// workflow run now, unless somebody paused its schedule: this worker may match in
// another way than the last one did, and start what was lost.
func renewSchedules(ctx context.Context, connected client.Client, settings config.Worker) error {
	for _, s := range schedules(settings) {
		if err := s.renew(ctx, connected); err != nil {
			return fmt.Errorf("renew the schedule of %s: %w", s.id, err)
		}
	}
	return nil
}

// guardInterval is how often a worker checks most whether Temporal still knows
// what it needs.
const guardInterval = 5 * time.Minute

// guard puts back what Temporal loses while the worker runs: without a schedule,
// nothing would start what was lost with it.
func guard(ctx context.Context, connected client.Client, settings config.Worker, logger *slog.Logger) {
	ticker := time.NewTicker(min(guardInterval, settings.Reconcile))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := restore(ctx, connected, settings, logger); err != nil && ctx.Err() == nil {
			logger.WarnContext(ctx, "Temporal not checked, again later", "error", err)
		}
	}
}

func (s schedule) spec() client.ScheduleSpec {
	return client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every}}, Jitter: s.every / 10}
}

func (s schedule) create(ctx context.Context, connected client.Client) error {
	_, err := connected.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID:                 s.id,
		Spec:               s.spec(),
		Overlap:            enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		TriggerImmediately: true,
		Action: &client.ScheduleWorkflowAction{
			ID: s.id + "-scheduled", Workflow: s.workflow, TaskQueue: workflows.QueueMain,
			Args: []any{s.argument}, StaticSummary: s.summary,
		},
	})
	return err
}

func (s schedule) renew(ctx context.Context, connected client.Client) error {
	handle := connected.ScheduleClient().GetHandle(ctx, s.id)
	err := handle.Update(ctx, client.ScheduleUpdateOptions{DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		known, spec := input.Description.Schedule, s.spec()
		known.Spec = &spec
		return &client.ScheduleUpdate{Schedule: &known}, nil
	}})
	if err != nil {
		return err
	}
	return runNow(ctx, connected, s.id)
}

// runNow has a schedule's workflow run, unless it does already or the schedule is
// paused.
func runNow(ctx context.Context, connected client.Client, id string) error {
	handle := connected.ScheduleClient().GetHandle(ctx, id)
	described, err := handle.Describe(ctx)
	if err != nil || described.Schedule.State != nil && described.Schedule.State.Paused {
		return err
	}
	return handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP})
}
