package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/workflows"
)

// prepare makes sure of what the workflows need: search attributes, the feed's
// schedule and a first policy. Every worker does so; what exists is left alone.
func prepare(ctx context.Context, temporal client.Client, keeper *store.Store, settings config.Config, logger *slog.Logger) error {
	if err := ensureAttributes(ctx, temporal, logger); err != nil {
		return err
	}
	if err := ensureBundle(ctx, keeper); err != nil {
		return fmt.Errorf("store the default policy bundle: %w", err)
	}
	if err := ensureSchedule(ctx, temporal, settings.Worker.FeedInterval); err != nil {
		return fmt.Errorf("set the feed's schedule up: %w", err)
	}
	return revive(ctx, workflows.Client{Temporal: temporal}, keeper)
}

// revive wakes what the store says should run beside the tags: sweepers of
// registries, watchers of repositories and queues of endpoints. Whatever runs
// takes it for a wake-up; what was lost with Temporal's data is there again.
func revive(ctx context.Context, reach workflows.Client, keeper *store.Store) error {
	registries, err := keeper.Registries(ctx)
	if err != nil {
		return err
	}
	repositories, err := keeper.Repositories(ctx)
	if err != nil {
		return err
	}
	endpoints, err := keeper.Endpoints(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, host := range registries {
		failed = append(failed, reach.WakeRegistry(ctx, host))
	}
	for _, repository := range repositories {
		failed = append(failed, reach.WakeRepository(ctx, repository.Name))
	}
	for _, endpoint := range endpoints {
		failed = append(failed, reach.WakeEndpoint(ctx, endpoint.Name))
	}
	return errors.Join(failed...)
}

// ensureAttributes adds the search attributes that the namespace lacks.
func ensureAttributes(ctx context.Context, connected client.Client, logger *slog.Logger) error {
	namespace := clientNamespace()
	operator := connected.OperatorService()
	known, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if status := serviceerror.ToStatus(err); err != nil && (status.Code() == codes.PermissionDenied || status.Code() == codes.Unimplemented) {
		logger.WarnContext(ctx, "search attributes not looked at; see that the namespace has them", "namespace", namespace, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the search attributes of namespace %s: %w", namespace, err)
	}
	missing := map[string]enums.IndexedValueType{}
	for _, key := range workflows.Attributes {
		if _, found := known.GetCustomAttributes()[key.GetName()]; !found {
			missing[key.GetName()] = key.GetValueType()
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: namespace, SearchAttributes: missing})
	if err != nil {
		return fmt.Errorf("namespace %s lacks search attributes that this worker may not add; add them with:\n%s\n%w",
			namespace, addCommands(namespace, missing), err)
	}
	return nil
}

func addCommands(namespace string, missing map[string]enums.IndexedValueType) string {
	var lines []string
	for name, kind := range missing {
		lines = append(lines, fmt.Sprintf("  temporal operator search-attribute create --namespace %s --name %s --type %s", namespace, name, kind))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// ensureBundle stores and activates the default bundle where there is none at
// all, so that a new installation judges from the start.
func ensureBundle(ctx context.Context, keeper *store.Store) error {
	bundles, err := keeper.Bundles(ctx)
	if err != nil || len(bundles) > 0 {
		return err
	}
	first := policy.Default()
	document, err := first.MarshalJSON()
	if err != nil {
		return err
	}
	now := time.Now()
	if err := keeper.SaveBundle(ctx, watch.Bundle{ID: first.ID, Name: first.Name, Hash: first.Hash(), Document: document}, now); err != nil {
		return err
	}
	_, err = keeper.ActivateBundle(ctx, first.ID, now)
	if errors.Is(err, fault.Conflict) {
		return nil // another worker was faster
	}
	return err
}

// ensureSchedule has new vulnerability data asked for regularly, and now.
func ensureSchedule(ctx context.Context, connected client.Client, every time.Duration) error {
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}, Jitter: every / 10}
	_, err := connected.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID:                 workflows.SyncFeedID,
		Spec:               spec,
		Overlap:            enums.SCHEDULE_OVERLAP_POLICY_SKIP,
		TriggerImmediately: true,
		Action: &client.ScheduleWorkflowAction{
			ID: workflows.SyncFeedID + "-scheduled", Workflow: workflows.TypeSyncFeed, TaskQueue: workflows.QueueMain,
			Args: []any{watch.SyncRequest{}}, StaticSummary: "Vulnerability data: synchronization",
		},
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	handle := connected.ScheduleClient().GetHandle(ctx, workflows.SyncFeedID)
	err = handle.Update(ctx, client.ScheduleUpdateOptions{DoUpdate: func(input client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
		schedule := input.Description.Schedule
		schedule.Spec = &spec
		return &client.ScheduleUpdate{Schedule: &schedule}, nil
	}})
	if err != nil {
		return err
	}
	// This worker may match in another way than the last one did.
	return handle.Trigger(ctx, client.ScheduleTriggerOptions{Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP})
}
