package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/adapters/push"
	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/config"
)

// servePushes receives push notifications of registries until the context ends;
// at once if they are not to be received.
func servePushes(ctx context.Context, settings config.Worker, waking *waker, watching *meters, logger *slog.Logger) error {
	if settings.PushAddress == "" {
		return nil
	}
	handler, err := newPushHandler(settings, waking, watching, logger)
	if err != nil {
		return err
	}
	listener, err := door{address: settings.PushAddress, certFile: settings.PushCertFile, keyFile: settings.PushKeyFile,
		option: "--push-address", variable: "TAGWATCH_PUSH_ADDRESS", prefix: "push", open: "pushes are received, and their secrets with them,"}.listen(ctx, logger)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "pushes received", "address", listener.Addr().String(), "tls", settings.PushCertFile != "")
	return httpserver.Serve(ctx, listener, handler)
}

func newPushHandler(settings config.Worker, waking *waker, watching *meters, logger *slog.Logger) (http.Handler, error) {
	sources, err := push.ReadSources(settings.PushSources)
	if err != nil {
		return nil, fmt.Errorf("%w (--push-sources, TAGWATCH_PUSH_SOURCES)", err)
	}
	watch := newPushWatch(sources, watching.registry, logger)
	return push.NewHandler(push.Options{Sources: sources, Secrets: webhook.ReadSecret, Wake: waking.wake, Observe: watch.observe})
}

// pushWatch counts pushes and logs what somebody should know.
type pushWatch struct {
	received *prometheus.CounterVec
	last     *prometheus.GaugeVec
	logger   *slog.Logger
	// telling bounds what strangers can have logged.
	telling *rate.Limiter
}

func newPushWatch(sources []push.Source, registry *prometheus.Registry, logger *slog.Logger) *pushWatch {
	w := &pushWatch{logger: logger, telling: rate.NewLimiter(rate.Every(10*time.Second), 10),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tagwatch_pushes_total",
			Help: "Push notifications received, by source and by what came of them."}, []string{"source", "verdict"}),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "tagwatch_push_timestamp_seconds",
			Help: "When a source last sent a push that proved where it came from."}, []string{"source"}),
	}
	registry.MustRegister(w.received, w.last)
	for _, source := range sources {
		for _, verdict := range push.Verdicts {
			w.received.WithLabelValues(source.Name, string(verdict))
		}
	}
	return w
}

// observe hears of every request.
func (w *pushWatch) observe(ctx context.Context, source string, verdict push.Verdict, err error) {
	w.received.WithLabelValues(source, string(verdict)).Inc()
	switch verdict {
	case push.Woken, push.Ignored:
		w.last.WithLabelValues(source).SetToCurrentTime()
		w.logger.DebugContext(ctx, "push received", "source", source, "verdict", verdict)
		return
	}
	if w.telling.Allow() {
		w.logger.WarnContext(ctx, "push not taken", "source", source, "verdict", verdict, "error", err)
	}
}
