package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tagwatch/tagwatch/adapters/registry"
)

// rate limits shows what this worker may ask of each registry.
type rateLimits struct {
	registries *registry.Registry
	hosts      *labels
}

var (
	rateLimitRate      = describe("tagwatch_registry_rate_limit_requests_per_second", "Requests a second that all workers together send at most.", "registry")
	rateLimitRemaining = describe("tagwatch_registry_rate_limit_remaining", "Requests that may be sent at once; below 0 while requests wait.", "registry")
	rateLimitRefused   = describe("tagwatch_registry_settings_refused", "1 while changed registry settings are refused and earlier ones in force.")
	rateLimitCoolDown  = describe("tagwatch_registry_cooldown_seconds", "How long the registry asked to be left alone.", "registry")
)

// Describe implements prometheus.Collector.
func (b *rateLimits) Describe(out chan<- *prometheus.Desc) {
	out <- rateLimitRate
	out <- rateLimitRemaining
	out <- rateLimitCoolDown
	out <- rateLimitRefused
}

// Collect implements prometheus.Collector. Of registries without a series of
// their own nothing is shown: rate limits do not add up.
func (b *rateLimits) Collect(out chan<- prometheus.Metric) {
	page := gauges{out: out}
	page.flag(rateLimitRefused, b.registries.Refused() != "")
	for _, rateLimit := range b.registries.RateLimits() {
		host := b.hosts.of(rateLimit.Host)
		if host == otherLabel {
			continue
		}
		page.set(rateLimitRate, rateLimit.PerSecond, host)
		page.set(rateLimitRemaining, rateLimit.Remaining, host)
		page.set(rateLimitCoolDown, rateLimit.CoolDown.Seconds(), host)
	}
}
