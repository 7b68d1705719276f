package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/activities"
	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/adapters/tracing"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/operations"
	"github.com/tagwatch/tagwatch/workflows"
)

// dialTimeout bounds the first contact with Temporal.
const dialTimeout = 15 * time.Second

// run serves until the context ends.
func run(ctx context.Context, settings config.Config) error {
	logger := newLogger(os.Stderr, settings)
	if err := os.MkdirAll(settings.DataDir, 0o700); err != nil {
		return fmt.Errorf("create the data directory: %w", err)
	}
	listener, err := listen(settings.Worker.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	keeper, err := store.Open(ctx, settings.Database())
	if err != nil {
		return err
	}
	defer keeper.Close()
	if err := keeper.Check(ctx); err != nil {
		return err
	}
	clock, err := newClock(ctx, keeper.Clock)
	if err != nil {
		return err
	}
	traces, err := tracing.Open(ctx, "tagwatch-worker", version)
	if err != nil {
		return err
	}
	defer closeTraces(traces, logger)
	watching := newMeters()
	temporal, err := dial(ctx, logger, watching, traces)
	if err != nil {
		return err
	}
	defer temporal.Close()
	watching.registry.MustRegister(&inventory{count: keeper.Totals, stuck: client.Client{Temporal: temporal}.StuckWorkflows, now: clock.now})
	if err := prepare(ctx, temporal, keeper, settings, logger); err != nil {
		return err
	}
	steps, err := assemble(settings, keeper, clock.now, temporal, observer{watching, traces.Tracer()}, logger)
	if err != nil {
		return err
	}
	defer steps.close()
	if settings.Worker.ConfigDir != "" {
		steps.activities.Configuration = configuration{settings.Worker, func() operations.System {
			return systemOf(settings, keeper, client.Client{Temporal: temporal}, clock.now)
		}}
	}
	page, err := newPage(settings.Worker, keeper, clock.now, logger)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	ready := &readiness{store: keeper, temporal: temporal}
	handler := routes(ready, watching, page)
	if settings.Worker.StatusToken == "" {
		handler = httpserver.ThisMachine(handler, settings.Worker.Listen, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, httpserver.WrongHost, http.StatusForbidden)
		})
	}
	group.Go(func() error { return serveHTTP(ctx, listener, handler, logger) })
	group.Go(func() error { ready.announce(ctx, os.Stdout, listener.Addr(), logger); return nil })
	waking := newWaker(keeper, client.Client{Temporal: temporal}, wakeGap, clock.now)
	group.Go(func() error { return servePushes(ctx, settings.Worker, waking, watching, logger) })
	group.Go(func() error {
		return serveAPI(ctx, settings, keeper, client.Client{Temporal: temporal}, watching, clock.now, logger)
	})
	group.Go(func() error { return serveQueues(ctx, temporal, settings.Worker, steps, watching, ready, logger) })
	group.Go(func() error { clock.follow(ctx, logger); return nil })
	group.Go(func() error { guard(ctx, temporal, settings.Worker, logger); return nil })
	if settings.Worker.Serves("watching") {
		var states activities.StreamStates
		watching.registry.MustRegister(streams{states.All})
		group.Go(func() error {
			steps.activities.FollowStreams(ctx, activities.OrdinaryStreamPace, &states)
			return nil
		})
	}
	if settings.Worker.ConfigDir != "" && settings.Worker.Serves("watching") {
		group.Go(func() error {
			steps.activities.FollowConfiguration(ctx, configurationPace, client.Client{Temporal: temporal}.WakeConfiguration)
			return nil
		})
	}
	if settings.Worker.Serves("matching") {
		group.Go(func() error { steps.activities.Housekeep(ctx); return nil })
	}
	if settings.Worker.Serves("analysis") {
		renew := func(ctx context.Context) error {
			return client.Client{Temporal: temporal}.RunNow(ctx, workflows.RenewAnalysesID)
		}
		group.Go(func() error { steps.activities.HousekeepAnalyzer(ctx, renew); return nil })
	}
	return group.Wait()
}

// dial connects to Temporal as its own environment variables and profiles say.
func dial(ctx context.Context, logger *slog.Logger, watching *meters, traces *tracing.Tracing) (sdk.Client, error) {
	options, err := client.Options()
	if err != nil {
		return nil, fmt.Errorf("read the settings of Temporal's client: %w", err)
	}
	options.Logger = log.NewStructuredLogger(slog.New(temporalLog{logger.Handler()}).With("component", "temporal"))
	options.MetricsHandler = watching.temporal()
	options.Identity = identity()
	if options.Interceptors, err = traces.Interceptors(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	connected, err := sdk.DialContext(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("no connection to Temporal at %s (namespace %s); start it, or set TEMPORAL_ADDRESS: %w",
			cmp.Or(options.HostPort, sdk.DefaultHostPort), cmp.Or(options.Namespace, sdk.DefaultNamespace), err)
	}
	return connected, nil
}

// closeTraces sends the last spans; a collector that does not answer holds the
// end of the worker up for a moment only.
func closeTraces(traces *tracing.Tracing, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout/2)
	defer cancel()
	if err := traces.Close(ctx); err != nil {
		logger.Warn("last traces not sent", "error", err)
	}
}

// identity names this worker in Temporal's histories. It ends in the version,
// where tagwatch doctor reads it.
func identity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("tagwatch-worker@%s:%d %s", host, os.Getpid(), version)
}
