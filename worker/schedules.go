package main

import (
	"context"
	"log/slog"
	"time"

	sdk "go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/workflows"
)

const (
	// summarizeEvery is how long what another scanner version changed waits at most
	// for its summary, once all tags have been evaluated with it.
	summarizeEvery = 10 * time.Minute
	pruneEvery     = time.Hour
)

func schedules(settings config.Worker) []client.Schedule {
	every := map[string]time.Duration{
		workflows.SyncFeedID:      settings.FeedInterval,
		workflows.ReconcileID:     settings.Reconcile,
		workflows.RenewAnalysesID: settings.Reconcile,
		workflows.SummarizeID:     summarizeEvery,
		workflows.PruneID:         pruneEvery,
	}
	all := make([]client.Schedule, len(workflows.Tasks))
	for i, task := range workflows.Tasks {
		all[i] = client.Schedule{Task: task, Every: every[task.ID]}
	}
	return all
}

// guardInterval is how often a worker checks most whether Temporal still knows
// what it needs.
const guardInterval = 5 * time.Minute

// guard puts back what Temporal loses while the worker runs: without a schedule,
// nothing would start what was lost with it.
func guard(ctx context.Context, connected sdk.Client, settings config.Worker, logger *slog.Logger) {
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
