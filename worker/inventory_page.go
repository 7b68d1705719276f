package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/overload"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// gauges writes one page.
type gauges struct {
	out chan<- prometheus.Metric
	now time.Time
}

func (g gauges) set(desc *prometheus.Desc, value float64, labels ...string) {
	g.out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (g gauges) flag(desc *prometheus.Desc, on bool) {
	value := 0.0
	if on {
		value = 1
	}
	g.set(desc, value)
}

// age is zero for a moment that is not known.
func (g gauges) age(desc *prometheus.Desc, since time.Time) {
	if since.IsZero() {
		g.set(desc, 0)
		return
	}
	g.set(desc, max(0, g.now.Sub(since).Seconds()))
}

// moment leaves out what is not known: a zero would be 1970.
func (g gauges) moment(desc *prometheus.Desc, at time.Time, labels ...string) {
	if !at.IsZero() {
		g.set(desc, float64(at.UnixMicro())/1e6, labels...)
	}
}

// each shows every name, also those that nothing has: an alert or a difference
// needs the zero.
func each[Name ~string](g gauges, desc *prometheus.Desc, counts map[Name]int, names ...Name) {
	for _, name := range names {
		g.set(desc, float64(counts[name]), string(name))
	}
}

func (g gauges) tags(totals store.Totals) {
	each(g, tagsDesc, totals.TagsByStatus, policy.Pass, policy.Fail)
	g.set(tagsDesc, float64(totals.TagsByStatus[""]), "none")
	each(g, failingDesc, byKnownKind(totals.FailingByKind), append(errkind.Names(), otherLabel)...)
	each(g, failingSteps, totals.FailingSteps, condition.Followed...)
	g.set(dueDesc, float64(totals.Due))
	g.age(lagDesc, totals.DueSince)
	g.set(repositories, float64(totals.Repositories))
	g.set(uncoveredDesc, float64(totals.NotCovered))
	g.set(failingRepos, float64(totals.FailingRepositories))
	g.set(sourcesDesc, float64(totals.Sources))
	g.set(failingSources, float64(totals.FailingSources))
	g.flag(notApplied, totals.NotApplied != nil)
	each(g, imagesDesc, totals.ImagesByState, "analyzed", "analysis_failed")
}

// byKnownKind puts what is of no kind under one name.
func byKnownKind(counts map[string]int) map[string]int {
	known := map[string]int{}
	for kind, count := range counts {
		known[knownKind(kind)] += count
	}
	return known
}

func (g gauges) notified(totals store.Totals) {
	each(g, endpointsDesc, totals.EndpointsByHealth, delivery.Healths...)
	each(g, deliveriesDesc, totals.DeliveriesByState, delivery.Pending, delivery.Delivered, delivery.Failed)
	g.age(backlogDesc, totals.PendingSince)
	each(g, notificationsDesc, totals.NotificationsByType, notification.Types...)
}

// queues shows what waits. How long that takes is shown while it waits for too long.
func (g gauges) queues(totals store.Totals) {
	waiting, late := map[overload.Kind]int{}, map[overload.Kind]int{}
	for _, queue := range totals.Queues {
		waiting[queue.Kind] = queue.Waiting
	}
	for _, over := range overload.Find(totals.Queues, g.now) {
		late[over.Kind] = 1
		if over.Left > 0 {
			g.set(waitingTime, over.Left.Seconds(), string(over.Kind))
		}
	}
	each(g, waitingDesc, waiting, overload.Kinds...)
	each(g, overloadedDesc, late, overload.Kinds...)
}

func (g gauges) feed(totals store.Totals) {
	g.moment(feedBuilt, totals.FeedBuilt)
	g.moment(feedChecked, totals.FeedChecked)
	g.flag(feedHeld, totals.FeedHeld)
	g.flag(feedFailing, totals.FeedFailing)
	kinds := map[condition.Kind]int{}
	for _, wrong := range totals.FeedConditions {
		kinds[wrong.Kind]++
	}
	each(g, feedConditions, kinds, vuln.ConditionKinds...)
	for _, provider := range totals.FeedProviders {
		g.moment(feedCaptured, provider.Captured, provider.Name)
	}
}
