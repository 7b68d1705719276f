package main

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"
)

// meters is everything that /metrics shows. docs/metrics.md lists it; a test
// compares.
type meters struct {
	registry *prometheus.Registry

	requests        *prometheus.CounterVec
	requestDuration *prometheus.HistogramVec

	transitions      *prometheus.CounterVec
	attempts         *prometheus.CounterVec
	attemptDuration  prometheus.Histogram
	deliveryDelay    prometheus.Histogram
	analysisDuration *prometheus.HistogramVec
	matchingDuration *prometheus.HistogramVec
	matchedGroups    prometheus.Counter
	failures         *prometheus.CounterVec
	apiRequests      *prometheus.CounterVec

	hosts *labels
}

// The bounds of the histograms, in seconds: from an answer at once to the limit
// of what is measured.
var (
	requestBuckets  = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20}
	analysisBuckets = []float64{.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200}
	matchingBuckets = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	temporalSeconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
	// Deliveries are tried for days.
	delayBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 72 * 3600}
)

// newMeters are those of this worker, and of the process.
func newMeters() *meters {
	m := &meters{registry: prometheus.NewRegistry(), hosts: &labels{most: mostHosts}}
	m.requests = counters("tagwatch_registry_requests_total", "Questions to registries about tags.", "registry", "operation", "outcome")
	m.requestDuration = histograms("tagwatch_registry_request_duration_seconds", "Time of a question to a registry, waiting for the rate limit included.", requestBuckets, "operation")
	m.transitions = counters("tagwatch_transitions_total", "Transitions that were recorded.", "type", "cause")
	m.attempts = counters("tagwatch_delivery_attempts_total", "Attempts to deliver.", "outcome")
	m.attemptDuration = histogram("tagwatch_delivery_attempt_duration_seconds", "Time of one attempt to deliver.", requestBuckets)
	m.deliveryDelay = histogram("tagwatch_delivery_delay_seconds", "Time from the detection of a transition to its delivery.", delayBuckets)
	m.analysisDuration = histograms("tagwatch_analysis_duration_seconds", "Time of the analysis of an image, its transfer included.", analysisBuckets, "outcome")
	m.matchingDuration = histograms("tagwatch_matching_duration_seconds", "Time to match groups of packages.", matchingBuckets, "outcome")
	m.matchedGroups = prometheus.NewCounter(prometheus.CounterOpts{Name: "tagwatch_matched_groups_total", Help: "Groups of packages that were matched."})
	m.failures = counters("tagwatch_step_failures_total", "Steps of workflows that failed, to be tried again or not.", "step", "kind")
	m.apiRequests = counters("tagwatch_api_requests_total", "Requests to the HTTP API, by the status of the answer.", "status")
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tagwatch_build_info", Help: "Always 1; the labels tell what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), build,
		m.requests, m.requestDuration, m.transitions, m.attempts, m.attemptDuration, m.deliveryDelay,
		m.analysisDuration, m.matchingDuration, m.matchedGroups, m.failures, m.apiRequests)
	m.expect()
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// temporalBuckets replaces OpenTelemetry's default bounds, which are made for
// milliseconds while the SDK measures in seconds.
var temporalBuckets = metric.NewView(metric.Instrument{Name: "temporal_*", Kind: metric.InstrumentKindHistogram},
	metric.Stream{Aggregation: metric.AggregationExplicitBucketHistogram{Boundaries: temporalSeconds}})

// temporal hands the metrics of Temporal's SDK to the same page.
func (m *meters) temporal() client.MetricsHandler {
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(m.registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return client.MetricsNopHandler
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithView(temporalBuckets))
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{Meter: provider.Meter("temporal")})
}
