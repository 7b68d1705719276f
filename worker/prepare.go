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
	sdk "go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/workflows"
)

// prepare makes sure of what the workflows need: search attributes, a first
// policy and the schedules. Every worker does so; what exists is left alone.
func prepare(ctx context.Context, temporal sdk.Client, keeper *store.Store, settings config.Config, logger *slog.Logger) error {
	if err := restore(ctx, temporal, settings.Worker, logger); err != nil {
		return err
	}
	if err := ensureBundle(ctx, keeper); err != nil {
		return fmt.Errorf("store the default policy bundle: %w", err)
	}
	// Now: this worker may match in another way than the last one did, and start what
	// was lost.
	return client.Client{Temporal: temporal}.RenewSchedules(ctx, schedules(settings.Worker))
}

// restore puts back what is lost with Temporal's data, apart from the workflows.
func restore(ctx context.Context, temporal sdk.Client, settings config.Worker, logger *slog.Logger) error {
	if err := ensureAttributes(ctx, temporal, logger); err != nil {
		return err
	}
	return client.Client{Temporal: temporal}.EnsureSchedules(ctx, schedules(settings))
}

// ensureAttributes adds the search attributes that the namespace lacks.
func ensureAttributes(ctx context.Context, connected sdk.Client, logger *slog.Logger) error {
	namespace := client.Namespace()
	operator := connected.OperatorService()
	known, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if status := serviceerror.ToStatus(err); err != nil && (status.Code() == codes.PermissionDenied || status.Code() == codes.Unimplemented) {
		logger.WarnContext(ctx, "search attributes not checked; see that the namespace has them", "namespace", namespace, "error", err)
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
	if err := keeper.SaveBundle(ctx, policy.StoredBundle{ID: first.ID, Name: first.Name, Hash: first.Hash(), Document: document}, now); err != nil {
		return err
	}
	_, err = keeper.ActivateBundle(ctx, first.ID, now)
	if errors.Is(err, errkind.Conflict) {
		return nil // another worker was faster
	}
	return err
}
