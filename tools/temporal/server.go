package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	clusterName = "active"         // Temporal's usual name of a cluster that stands alone; kept in the database
	stopTimeout = 15 * time.Second // after it the process ends without waiting; nothing acknowledged is lost
	heapLimit   = 190 << 20        // bytes; with the program's 100 MiB of pages and assets the process stays under 300 MiB
)

// serve runs one server, from the check of its data to a clean stop when ctx ends.
func serve(ctx context.Context, opts options, out io.Writer) (err error) {
	s, err := openStore(opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	a, err := chooseAddresses(opts)
	if err != nil {
		return err
	}
	logger, err := newServerLog(opts.logLevel)
	if err != nil {
		return err
	}
	boundMemory()
	logger.mute()
	engine, err := startServices(opts, a, s, logger)
	if err != nil {
		return err
	}
	err = serveUntilDone(ctx, opts, a, out, logger)
	logger.mute()
	return errors.Join(err, stopServices(engine))
}

// boundMemory makes the garbage collector work harder near the limit, unless the environment sets another one (GOMEMLIMIT).
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(heapLimit)
	}
}

// serveUntilDone makes the server ready and stays until ctx ends.
func serveUntilDone(ctx context.Context, opts options, a addresses, out io.Writer, logger *serverLog) error {
	stopUI, err := makeReady(ctx, opts, a)
	if err != nil && ctx.Err() != nil {
		return nil // a cancelled start is not a failure
	}
	if err != nil {
		return err
	}
	defer stopUI()
	logger.resume()
	if err := announce(out, a, opts.namespace); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// makeReady waits for the services, then adds the Web UI.
func makeReady(ctx context.Context, opts options, a addresses) (stopUI func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := awaitNamespace(ctx, a.frontend, opts); err != nil || !a.ui.IsValid() {
		return func() {}, err
	}
	return startUI(ctx, a, opts.namespace)
}

func startServices(opts options, a addresses, s *store, logger log.Logger) (temporal.Server, error) {
	if err := createNamespace(opts, s); err != nil {
		return nil, err
	}
	engine, err := temporal.NewServer(
		temporal.WithConfig(serverConfig(a, s)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts(a)),
		temporal.WithDynamicConfigClient(settings()),
		temporal.WithLogger(logger),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithClaimMapper(func(*config.Config) authorization.ClaimMapper { return authorization.NewNoopClaimMapper() }),
	)
	if err != nil {
		return nil, fmt.Errorf("build the server: %w", err)
	}
	if err := engine.Start(); err != nil {
		return nil, fmt.Errorf("start the services: %w", err)
	}
	return engine, nil
}

// stopServices waits a short time for requests under way.
func stopServices(engine temporal.Server) error {
	stopped := make(chan error, 1)
	go func() { stopped <- engine.Stop() }()
	select {
	case err := <-stopped:
		return err
	case <-time.After(stopTimeout):
		return fmt.Errorf("the services did not stop within %s and were cut off; everything acknowledged is stored", stopTimeout)
	}
}

func serverConfig(a addresses, s *store) *config.Config {
	frontend := reachable(a.frontend).String()
	return &config.Config{
		Persistence:  s.persistence(),
		PublicClient: config.PublicClient{HostPort: frontend},
		Services: map[string]config.Service{
			string(primitives.FrontendService): service(a.frontend),
			string(primitives.HistoryService):  service(a.history),
			string(primitives.MatchingService): service(a.matching),
			string(primitives.WorkerService):   service(a.worker),
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
	}
}

func service(addr netip.AddrPort) config.Service {
	return config.Service{RPC: config.RPC{GRPCPort: int(addr.Port()), BindOnIP: addr.Addr().String()}}
}

// hosts are the addresses of the services for each other, instead of a membership protocol with ports of its own.
func hosts(a addresses) map[primitives.ServiceName]static.Hosts {
	return map[primitives.ServiceName]static.Hosts{
		primitives.FrontendService: static.SingleLocalHost(reachable(a.frontend).String()),
		primitives.HistoryService:  static.SingleLocalHost(a.history.String()),
		primitives.MatchingService: static.SingleLocalHost(a.matching.String()),
		primitives.WorkerService:   static.SingleLocalHost(a.worker.String()),
	}
}
