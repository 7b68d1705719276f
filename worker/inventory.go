package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
)

const (
	// inventoryAge is how old a count may be: several scrapers, and pages that
	// are checked, cost the database one count.
	inventoryAge = 10 * time.Second
	// inventoryTimeout is shorter than Prometheus waits for a page by default.
	inventoryTimeout = 5 * time.Second
)

// inventory reads from the store, when it is asked, what an operator wants to
// know of the whole installation rather than of this worker. Every worker shows
// the same numbers. Without the database there are none, and the rest of the
// page is shown all the same.
type inventory struct {
	count func(context.Context, time.Time) (store.Totals, error)
	// stuck counts the workflows whose tasks fail, in Temporal.
	stuck func(context.Context) (client.Stuck, error)
	now   func() time.Time

	mu     sync.Mutex
	counts store.Totals
	err    error
	tasks  client.Stuck
	blind  error // why tasks is not known
	at     time.Time
	took   time.Duration
}

var (
	tagsDesc          = describe("tagwatch_tags", "Watched tags by policy status.", "status")
	failingDesc       = describe("tagwatch_tags_failing", "Watched tags that cannot be followed, by the kind of fault.", "kind")
	failingSteps      = describe("tagwatch_steps_failing", "Tags, registries, repositories, endpoints, sources and tasks of which a step keeps failing, by what they are.", "kind")
	stuckDesc         = describe("tagwatch_workflows_stuck", "Workflows whose tasks keep failing, as Temporal reports them.")
	uncoveredDesc     = describe("tagwatch_tags_not_covered", "Watched tags of a distribution that the vulnerability data does not cover.")
	dueDesc           = describe("tagwatch_tags_due", "Tags whose next check the registry is due.")
	lagDesc           = describe("tagwatch_tags_lag_seconds", "How long the tag that is due for the longest time has been due.")
	repositories      = describe("tagwatch_repositories", "Watched repositories.")
	failingRepos      = describe("tagwatch_repositories_failing", "Watched repositories whose last listing failed.")
	sourcesDesc       = describe("tagwatch_sources", "Sources of tags.")
	failingSources    = describe("tagwatch_sources_failing", "Sources of tags that cannot be read, or of which more is gone at once than is believed.")
	notApplied        = describe("tagwatch_configuration_not_applied", "1 while the folder of documents (--config-dir) cannot be applied.")
	imagesDesc        = describe("tagwatch_images", "Known images by state.", "state")
	endpointsDesc     = describe("tagwatch_endpoints", "Endpoints by state.", "state")
	deliveriesDesc    = describe("tagwatch_deliveries", "Deliveries kept, by state.", "state")
	backlogDesc       = describe("tagwatch_deliveries_pending_age_seconds", "Age of the oldest delivery that is pending.")
	notificationsDesc = describe("tagwatch_notifications", "Notifications kept, by type.", "type")
	waitingDesc       = describe("tagwatch_waiting", "Tags, images and deliveries that wait, by what for.", "kind")
	overloadedDesc    = describe("tagwatch_overloaded", "1 while what waits has done so for longer than is normal.", "kind")
	waitingTime       = describe("tagwatch_waiting_seconds", "About how long it takes to do what waits, by what was done in the last minutes; missing while nothing was.", "kind")
	feedBuilt         = describe("tagwatch_feed_built_timestamp_seconds", "When the current vulnerability data were built.")
	feedChecked       = describe("tagwatch_feed_checked_timestamp_seconds", "When the source of the vulnerability data last answered.")
	feedHeld          = describe("tagwatch_feed_held", "1 while vulnerability data that the source offers is on hold.")
	feedFailing       = describe("tagwatch_feed_failing", "1 while the source of the vulnerability data does not answer.")
	feedConditions    = describe("tagwatch_feed_conditions", "What is wrong with the current vulnerability data or its future, by kind.", "kind")
	feedCaptured      = describe("tagwatch_feed_provider_captured_timestamp_seconds", "When a provider's share of the current vulnerability data was captured.", "provider")
	databaseUp        = describe("tagwatch_database_up", "1 if the database answered when these numbers were counted.")
	databaseTook      = describe("tagwatch_database_count_duration_seconds", "Time that counting took.")

	inventoryDescs = []*prometheus.Desc{tagsDesc, failingDesc, failingSteps, stuckDesc, uncoveredDesc, dueDesc, lagDesc, repositories, failingRepos, sourcesDesc, failingSources, notApplied, imagesDesc, endpointsDesc,
		deliveriesDesc, backlogDesc, notificationsDesc, waitingDesc, overloadedDesc, waitingTime, feedBuilt, feedChecked, feedHeld, feedFailing, feedConditions, feedCaptured, databaseUp, databaseTook}
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (i *inventory) Describe(out chan<- *prometheus.Desc) {
	for _, d := range inventoryDescs {
		out <- d
	}
}

// totals are counted anew when they are too old. Whoever comes meanwhile waits
// for the same count.
func (i *inventory) totals() (store.Totals, time.Duration, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if age := now.Sub(i.at); i.at.IsZero() || age > inventoryAge || age < 0 {
		ctx, cancel := context.WithTimeout(context.Background(), inventoryTimeout)
		defer cancel()
		var temporal sync.WaitGroup // beside the database: both may hang
		temporal.Go(func() { i.tasks, i.blind = i.stuck(ctx) })
		i.counts, i.err = i.count(ctx, now)
		i.at, i.took = now, i.now().Sub(now)
		temporal.Wait()
	}
	return i.counts, i.took, i.err
}

// Collect implements prometheus.Collector.
func (i *inventory) Collect(out chan<- prometheus.Metric) {
	totals, took, err := i.totals()
	page := gauges{out, i.now()}
	page.flag(databaseUp, err == nil)
	page.set(databaseTook, took.Seconds())
	if err == nil {
		page.tags(totals)
		page.notified(totals)
		page.queues(totals)
		page.feed(totals)
	}
	if i.mu.Lock(); i.blind == nil {
		page.set(stuckDesc, float64(i.tasks.Count))
	}
	i.mu.Unlock()
}
