package main

import (
	"slices"
	"strconv"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// statusClasses are the outcomes of attempts that were answered.
var statusClasses = []string{"2xx", "3xx", "4xx", "5xx"}

// apiStatuses are what the HTTP API answers; wrong tokens are among 401 and 429.
var apiStatuses = []int{200, 401, 403, 404, 429, 500, 503}

// expect makes the series of what may happen, at 0: in a series that begins with
// its first event, Prometheus sees no increase.
func (m *meters) expect() {
	for _, kind := range append(slices.Clone(notification.TagTypes), notification.RepoUpdate) {
		for _, cause := range notification.Causes {
			m.transitions.WithLabelValues(string(kind), string(cause))
		}
	}
	for _, class := range statusClasses {
		m.attempts.WithLabelValues(class)
	}
	for _, status := range apiStatuses {
		m.apiRequests.WithLabelValues(strconv.Itoa(status))
	}
	for _, failure := range webhook.Failures {
		m.attempts.WithLabelValues(string(failure))
	}
}

// failureKinds are the kinds that kindOf tells apart.
var failureKinds = append(errkind.Names(), canceledLabel, otherLabel)

// expectStep makes the series of the failures of a step that this worker serves.
func (m *meters) expectStep(step string) {
	for _, kind := range failureKinds {
		m.failures.WithLabelValues(step, kind)
	}
}
