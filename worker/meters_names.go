package main

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// naming are the labels that name what an installation has to do with.
var naming = []string{"registry", "source"}

// hiddenName stands for all of them.
const hiddenName = "hidden"

// withoutNames gathers for those who may not learn with whom an installation has
// to do: counters of all names as one, and no gauges by name, which do not add up.
type withoutNames struct{ prometheus.Gatherer }

// Gather implements prometheus.Gatherer.
func (g withoutNames) Gather() ([]*dto.MetricFamily, error) {
	families, err := g.Gatherer.Gather()
	families = slices.DeleteFunc(families, func(family *dto.MetricFamily) bool {
		if !slices.ContainsFunc(family.Metric, named) {
			return false
		}
		if family.GetType() != dto.MetricType_COUNTER {
			return true
		}
		family.Metric = summed(family.Metric)
		return false
	})
	return families, err
}

func named(metric *dto.Metric) bool {
	return slices.ContainsFunc(metric.Label, func(label *dto.LabelPair) bool { return slices.Contains(naming, label.GetName()) })
}

// summed adds up the counters that differ by name alone.
func summed(counters []*dto.Metric) (sums []*dto.Metric) {
	found := map[string]*dto.Metric{}
	for _, counter := range counters {
		var key strings.Builder
		hidden := &dto.Metric{Counter: &dto.Counter{Value: new(float64)}}
		for _, label := range counter.Label {
			value := label.GetValue()
			if slices.Contains(naming, label.GetName()) {
				value = hiddenName
			}
			hidden.Label = append(hidden.Label, &dto.LabelPair{Name: label.Name, Value: &value})
			key.WriteString(value + "\xff")
		}
		if found[key.String()] == nil {
			found[key.String()] = hidden
			sums = append(sums, hidden)
		}
		*found[key.String()].Counter.Value += counter.Counter.GetValue()
	}
	return sums
}
