package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"github.com/tagwatch/tagwatch/adapters/store"
)

// meters is everything that /metrics shows.
type meters struct {
	registry *prometheus.Registry
}

func newMeters(keeper *store.Store) *meters {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &inventory{keeper})
	return &meters{registry: registry}
}

// temporal hands the metrics of Temporal's SDK to the same page.
func (m *meters) temporal() client.MetricsHandler {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(m.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return client.MetricsNopHandler
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter))
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: provider.Meter("temporal")})
}

// inventory reads from the store, when it is asked, what an operator wants to
// know of the whole installation rather than of this worker.
type inventory struct{ store *store.Store }

var (
	watchedTags = prometheus.NewDesc("tagwatch_tags", "Watched tags by policy status.", []string{"status"}, nil)
	failingTags = prometheus.NewDesc("tagwatch_tags_failing", "Watched tags whose last pass failed.", nil, nil)
	deliveries  = prometheus.NewDesc("tagwatch_deliveries", "Deliveries by state.", []string{"state"}, nil)
	told        = prometheus.NewDesc("tagwatch_notifications", "Notifications kept, by type.", []string{"type"}, nil)
	feedBuilt   = prometheus.NewDesc("tagwatch_feed_built_timestamp_seconds", "When the current vulnerability data were built.", nil, nil)
)

// Describe implements prometheus.Collector.
func (i *inventory) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{watchedTags, failingTags, deliveries, told, feedBuilt} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (i *inventory) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	totals, err := i.store.Totals(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(watchedTags, err)
		return
	}
	labelled(out, watchedTags, totals.TagsByStatus)
	labelled(out, deliveries, totals.DeliveriesByState)
	labelled(out, told, totals.NotificationsByType)
	out <- prometheus.MustNewConstMetric(failingTags, prometheus.GaugeValue, float64(totals.Failing))
	if !totals.FeedBuilt.IsZero() {
		out <- prometheus.MustNewConstMetric(feedBuilt, prometheus.GaugeValue, float64(totals.FeedBuilt.Unix()))
	}
}

func labelled(out chan<- prometheus.Metric, desc *prometheus.Desc, counts map[string]int) {
	for label, count := range counts {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(count), label)
	}
}
