package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// counted is a store that is counted, with a clock.
type counted struct {
	inventory
	times int
	fails error
	clock time.Time
}

func newCounted(totals store.Totals) *counted {
	c := &counted{clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	c.now = func() time.Time { return c.clock }
	c.inventory.count = func(ctx context.Context, _ time.Time) (store.Totals, error) {
		c.times++
		if _, bounded := ctx.Deadline(); !bounded {
			return totals, errors.New("no bound in time")
		}
		return totals, c.fails
	}
	c.inventory.stuck = func(ctx context.Context) (client.Stuck, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			return client.Stuck{}, errors.New("no bound in time")
		}
		return client.Stuck{Count: 2}, c.fails
	}
	return c
}

// TestInventoryOfWhatHangs: a database and a Temporal that hang together cost the page
// no more time than one of them, or Prometheus would give it up.
func TestInventoryOfWhatHangs(t *testing.T) {
	t.Parallel()
	c := newCounted(store.Totals{})
	database, temporal := make(chan struct{}), make(chan struct{})
	c.count = func(ctx context.Context, _ time.Time) (store.Totals, error) {
		close(database)
		return store.Totals{}, hang(ctx, temporal)
	}
	c.stuck = func(ctx context.Context) (client.Stuck, error) {
		close(temporal)
		return client.Stuck{}, hang(ctx, database)
	}
	if _, _, err := c.totals(); err != nil || c.blind != nil {
		t.Errorf("one waits for the other: %v, %v", err, c.blind)
	}
}

// hang returns when the other is asked, or with an error when time is over.
func hang(ctx context.Context, asked <-chan struct{}) error {
	select {
	case <-asked:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestInventoryPage(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := newCounted(store.Totals{
		TagsByStatus: map[policy.Status]int{policy.Fail: 3, "": 1}, FailingByKind: map[string]int{"NotFound": 2, "": 1, "OfLater": 1},
		FailingSteps: map[condition.Resource]int{condition.Tag: 3, condition.Endpoint: 1},
		Due:          4, DueSince: noon.Add(-90 * time.Second), DeliveriesByState: map[delivery.State]int{delivery.Pending: 5},
		EndpointsByHealth: map[delivery.Health]int{delivery.HealthGood: 1, delivery.HealthDisabled: 1, delivery.HealthFailing: 1, delivery.HealthGivingUp: 2}, FeedHeld: true,
		FeedConditions: []condition.Condition{{Key: condition.Key{Kind: vuln.ProviderOutdated, Name: "debian"}}, {Key: condition.Key{Kind: vuln.ProviderOutdated, Name: "suse"}}, {Key: condition.Key{Kind: vuln.SourceEndOfLife}}},
		FeedProviders:  []vuln.ProviderState{{Name: "debian", Captured: noon}, {Name: "undated"}},
	})
	want := `
# HELP tagwatch_tags Watched tags by policy status.
# TYPE tagwatch_tags gauge
tagwatch_tags{status="fail"} 3
tagwatch_tags{status="none"} 1
tagwatch_tags{status="pass"} 0
# HELP tagwatch_tags_failing Watched tags that cannot be followed, by the kind of fault.
# TYPE tagwatch_tags_failing gauge
tagwatch_tags_failing{kind="Conflict"} 0
tagwatch_tags_failing{kind="Invalid"} 0
tagwatch_tags_failing{kind="Limit"} 0
tagwatch_tags_failing{kind="NotFound"} 2
tagwatch_tags_failing{kind="Unauthorized"} 0
tagwatch_tags_failing{kind="Unavailable"} 0
tagwatch_tags_failing{kind="other"} 2
# HELP tagwatch_steps_failing Tags, registries, repositories, endpoints, sources and tasks of which a step keeps failing, by what they are.
# TYPE tagwatch_steps_failing gauge
tagwatch_steps_failing{kind="endpoint"} 1
tagwatch_steps_failing{kind="registry"} 0
tagwatch_steps_failing{kind="repository"} 0
tagwatch_steps_failing{kind="source"} 0
tagwatch_steps_failing{kind="tag"} 3
tagwatch_steps_failing{kind="task"} 0
# HELP tagwatch_tags_lag_seconds How long the tag that is due for the longest time has been due.
# TYPE tagwatch_tags_lag_seconds gauge
tagwatch_tags_lag_seconds 90
# HELP tagwatch_endpoints Endpoints by state.
# TYPE tagwatch_endpoints gauge
tagwatch_endpoints{state="disabled"} 1
tagwatch_endpoints{state="failing"} 1
tagwatch_endpoints{state="giving_up"} 2
tagwatch_endpoints{state="healthy"} 1
tagwatch_endpoints{state="untried"} 0
# HELP tagwatch_workflows_stuck Workflows whose tasks keep failing, as Temporal reports them.
# TYPE tagwatch_workflows_stuck gauge
tagwatch_workflows_stuck 2
# HELP tagwatch_feed_held 1 while vulnerability data that the source offers is on hold.
# TYPE tagwatch_feed_held gauge
tagwatch_feed_held 1
# HELP tagwatch_feed_conditions What is wrong with the current vulnerability data or its future, by kind.
# TYPE tagwatch_feed_conditions gauge
tagwatch_feed_conditions{kind="data.ahead"} 0
tagwatch_feed_conditions{kind="data.outdated"} 0
tagwatch_feed_conditions{kind="provider.ahead"} 0
tagwatch_feed_conditions{kind="provider.outdated"} 2
tagwatch_feed_conditions{kind="provider.undated"} 0
tagwatch_feed_conditions{kind="scores.ahead"} 0
tagwatch_feed_conditions{kind="scores.outdated"} 0
tagwatch_feed_conditions{kind="source.deprecated"} 0
tagwatch_feed_conditions{kind="source.eol"} 1
tagwatch_feed_conditions{kind="source.unknown_status"} 0
# HELP tagwatch_feed_provider_captured_timestamp_seconds When a provider's share of the current vulnerability data was captured.
# TYPE tagwatch_feed_provider_captured_timestamp_seconds gauge
tagwatch_feed_provider_captured_timestamp_seconds{provider="debian"} 1.7723664e+09
`
	names := []string{"tagwatch_tags", "tagwatch_tags_failing", "tagwatch_steps_failing", "tagwatch_workflows_stuck", "tagwatch_tags_lag_seconds", "tagwatch_endpoints", "tagwatch_feed_held", "tagwatch_feed_conditions", "tagwatch_feed_provider_captured_timestamp_seconds",
		"tagwatch_feed_built_timestamp_seconds"} // the last is not known, and therefore absent
	if err := testutil.CollectAndCompare(&c.inventory, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// TestInventoryIsCached: pages cost the database one count in a while, and a
// database that does not answer is asked no more often.
func TestInventoryIsCached(t *testing.T) {
	t.Parallel()
	c := newCounted(store.Totals{})
	for range 5 {
		testutil.CollectAndCount(&c.inventory)
	}
	c.clock = c.clock.Add(inventoryAge + time.Second)
	c.fails = errkind.Unavailable
	for range 5 {
		testutil.CollectAndCount(&c.inventory)
	}
	if c.times != 2 {
		t.Errorf("counted %d times, want twice", c.times)
	}
}

// TestInventoryWithoutDatabase: the page still shows the rest.
func TestInventoryWithoutDatabase(t *testing.T) {
	t.Parallel()
	c := newCounted(store.Totals{})
	c.fails = errkind.Unavailable
	page := prometheus.NewRegistry()
	page.MustRegister(&c.inventory)
	found, err := page.Gather()
	if err != nil || len(found) != 2 {
		t.Errorf("%d families, %v; want tagwatch_database_up and the time it took", len(found), err)
	}
	if found[1].GetName() != "tagwatch_database_up" || found[1].GetMetric()[0].GetGauge().GetValue() != 0 {
		t.Errorf("%v, want that the database is down", found[1])
	}
}
