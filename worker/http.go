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

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/adapters/store"
)

// readiness reports whether this worker can do its work.
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
	if err := within(ctx, r.store.Ping); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	if err := within(ctx, r.askTemporal); err != nil {
		return fmt.Errorf("reach Temporal: %w", err)
	}
	return nil
}

func (r *readiness) askTemporal(ctx context.Context) error {
	_, err := r.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// within gives a question up when the context ends, also where who asks it does
// not: PostgreSQL's driver waits much longer for a server that hangs, and probes
// do not wait for it.
func within(ctx context.Context, ask func(context.Context) error) error {
	answer := make(chan error, 1)
	go func() { answer <- ask(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
}

// listen opens the address of the status page, health and metrics.
func listen(address string) (net.Listener, error) {
	listener, err := httpserver.Listen(address)
	if err != nil {
		return nil, fmt.Errorf("listen at %s (--listen, TAGWATCH_LISTEN): %w", address, err)
	}
	return listener, nil
}

// serveHTTP answers health, readiness and metrics, and shows the status page,
// until the context ends.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler, logger *slog.Logger) error {
	logger.InfoContext(ctx, "status page, health and metrics served", "address", listener.Addr().String())
	return httpserver.Serve(ctx, listener, handler)
}

// statusPage is what a browser sees, and who may see everything.
type statusPage interface {
	http.Handler
	Admits(*http.Request) bool
}

func routes(ready *readiness, watching *meters, page statusPage) http.Handler {
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
	everything := promhttp.HandlerFor(watching.registry, promhttp.HandlerOpts{})
	nameless := promhttp.HandlerFor(withoutNames{watching.registry}, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if page.Admits(r) {
			everything.ServeHTTP(w, r)
			return
		}
		nameless.ServeHTTP(w, r)
	})
	mux.Handle("/", page)
	return mux
}
