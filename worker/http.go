package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.temporal.io/sdk/client"

	"github.com/tagwatch/tagwatch/adapters/store"
)

// readiness tells whether this worker can do its work.
type readiness struct {
	store    *store.Store
	temporal client.Client
	serving  atomic.Bool
}

// check names the first part that is missing.
func (r *readiness) check(ctx context.Context) error {
	if !r.serving.Load() {
		return errors.New("task queues are not served yet")
	}
	if err := r.store.Ping(ctx); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if _, err := r.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("Temporal: %w", err)
	}
	return nil
}

// serveHTTP answers health, readiness and metrics, and shows the status page,
// until the context ends.
func serveHTTP(ctx context.Context, address string, ready *readiness, watching *meters, page http.Handler, logger *slog.Logger) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listen at %s (--listen, TAGWATCH_LISTEN): %w", address, err)
	}
	server := &http.Server{Handler: routes(ready, watching, page), ReadHeaderTimeout: 5 * time.Second}
	logger.InfoContext(ctx, "status page, health and metrics served", "address", listener.Addr().String())
	return serveUntil(ctx, server, listener)
}

// serveUntil serves until the context ends, and lets the requests under way end.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	stopped := context.AfterFunc(ctx, func() {
		shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		_ = server.Shutdown(shutdown)
	})
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func routes(ready *readiness, watching *meters, page http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := ready.check(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(watching.registry, promhttp.HandlerOpts{}))
	mux.Handle("/", page)
	return mux
}
