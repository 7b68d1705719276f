package main

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// naming are the labels that name what an installation has to do with.
var naming = []string{"registry", "source"}

// hiddenName stands for all of them.
const hiddenName = "hidden"

// withoutNames gathers for those who may not learn with whom an installation has
// to do: what is counted by name as one sum, and of what is measured by name the
// value that matters to an alert.
type withoutNames struct{ prometheus.Gatherer }

// least are gauges of which the least value matters; of others it is the greatest.
var least = []string{"tagwatch_registry_rate_limit_remaining", "tagwatch_registry_rate_limit_requests_per_second",
	"tagwatch_source_stream_event_timestamp_seconds", "tagwatch_source_stream_failing_timestamp_seconds"}

// Gather implements prometheus.Gatherer.
func (g withoutNames) Gather() ([]*dto.MetricFamily, error) {
	families, err := g.Gatherer.Gather()
	families = slices.DeleteFunc(families, func(family *dto.MetricFamily) bool {
		if !slices.ContainsFunc(family.Metric, named) {
			return false
		}
		switch family.GetType() {
		case dto.MetricType_COUNTER:
			family.Metric = merged(family.Metric, func(a, b float64) float64 { return a + b })
		case dto.MetricType_GAUGE:
			family.Metric = merged(family.Metric, func(a, b float64) float64 {
				if slices.Contains(least, family.GetName()) {
					return min(a, b)
				}
				return max(a, b)
			})
		default:
			return true
		}
		return false
	})
	return families, err
}

func named(metric *dto.Metric) bool {
	return slices.ContainsFunc(metric.Label, func(label *dto.LabelPair) bool { return slices.Contains(naming, label.GetName()) })
}

// merged makes one of the metrics that differ by name alone.
func merged(metrics []*dto.Metric, merge func(a, b float64) float64) (left []*dto.Metric) {
	values := map[string]*float64{}
	for _, metric := range metrics {
		hidden, key := &dto.Metric{}, ""
		for _, label := range metric.Label {
			value := label.GetValue()
			if slices.Contains(naming, label.GetName()) {
				value = hiddenName
			}
			hidden.Label = append(hidden.Label, &dto.LabelPair{Name: label.Name, Value: &value})
			key += value + "\xff"
		}
		value := metric.GetCounter().GetValue() + metric.GetGauge().GetValue() // it has one of them
		if known := values[key]; known != nil {
			*known = merge(*known, value)
			continue
		}
		values[key] = &value
		if metric.Counter != nil {
			hidden.Counter = &dto.Counter{Value: &value}
		} else {
			hidden.Gauge = &dto.Gauge{Value: &value}
		}
		left = append(left, hidden)
	}
	return left
}
