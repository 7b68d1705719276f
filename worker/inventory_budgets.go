package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tagwatch/tagwatch/adapters/registry"
)

// budgets shows what this worker may ask of each registry.
type budgets struct {
	registries *registry.Registry
	hosts      *labels
}

var (
	budgetRate      = describe("tagwatch_registry_budget_requests_per_second", "Requests a second that this worker sends at most.", "registry")
	budgetRemaining = describe("tagwatch_registry_budget_remaining", "Requests that may be sent at once; below 0 while requests wait.", "registry")
	budgetRefused   = describe("tagwatch_registry_settings_refused", "1 while changed registry settings are refused and earlier ones in force.")
	budgetCoolDown  = describe("tagwatch_registry_cooldown_seconds", "How long the registry asked to be left alone.", "registry")
)

// Describe implements prometheus.Collector.
func (b *budgets) Describe(out chan<- *prometheus.Desc) {
	out <- budgetRate
	out <- budgetRemaining
	out <- budgetCoolDown
	out <- budgetRefused
}

// Collect implements prometheus.Collector. Of registries without a series of
// their own nothing is shown: budgets do not add up.
func (b *budgets) Collect(out chan<- prometheus.Metric) {
	page := gauges{out: out}
	page.flag(budgetRefused, b.registries.Refused() != "")
	for _, budget := range b.registries.Budgets() {
		host := b.hosts.of(budget.Host)
		if host == otherLabel {
			continue
		}
		page.set(budgetRate, budget.PerSecond, host)
		page.set(budgetRemaining, budget.Remaining, host)
		page.set(budgetCoolDown, budget.CoolDown.Seconds(), host)
	}
}
