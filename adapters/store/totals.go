package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/declaration"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/overload"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Totals are the numbers of the whole installation that an operator watches.
type Totals struct {
	// TagsByStatus counts targets by policy status; "" for those not evaluated.
	TagsByStatus map[policy.Status]int
	// FailingByKind counts targets with a problem by the kind of its fault; "" for
	// those of no kind.
	FailingByKind map[string]int
	// FailingSteps counts by kind of what it is whose steps keep failing.
	FailingSteps map[condition.Resource]int
	// NotCovered counts targets of a distribution that the data does not cover.
	NotCovered int
	// Due counts the targets whose next check is due, DueSince is when the first of
	// them became so; zero without any.
	Due      int
	DueSince time.Time

	Repositories, FailingRepositories int
	// Sources, and those that cannot be read or are not believed.
	Sources, FailingSources int
	// NotApplied is why the folder of documents cannot be applied; nil if it can.
	NotApplied *condition.Problem
	// ImagesByState counts images: analyzed, or why they cannot be.
	ImagesByState map[string]int

	NotificationsByType map[notification.Type]int
	DeliveriesByState   map[delivery.State]int
	// PendingSince is the creation of the oldest pending delivery; zero without
	// any.
	PendingSince time.Time
	// EndpointsByHealth counts endpoints by how deliveries to them go.
	EndpointsByHealth map[delivery.Health]int

	// Queues are the work that waits.
	Queues []overload.Queue

	// FeedBuilt is when the current vulnerability data were built, FeedChecked
	// when their source last answered; zero without.
	FeedBuilt, FeedChecked time.Time
	// FeedHeld reports that newer data wait for a person, FeedFailing that the
	// source did not answer the last time.
	FeedHeld, FeedFailing bool
	// FeedConditions are what is wrong with the current data, FeedProviders what
	// it is made from.
	FeedConditions []condition.Condition
	FeedProviders  []vuln.ProviderState
}

// Totals counts everything at one moment.
func (s *Store) Totals(ctx context.Context, now time.Time) (Totals, error) {
	var totals Totals
	err := s.view(ctx, "count", func(t tx) error {
		for _, count := range []func(context.Context, time.Time, *Totals) error{t.countTags, t.countImages, t.countNotified, t.countFeed, t.countQueues} {
			if err := count(ctx, now, &totals); err != nil {
				return err
			}
		}
		return nil
	})
	return totals, err
}

func (t tx) countTags(ctx context.Context, now time.Time, totals *Totals) (err error) {
	if totals.TagsByStatus, err = counts[policy.Status](ctx, t, `SELECT coalesce(status, '') AS name, count(*) AS number
		FROM target LEFT JOIN target_state ON target_state.target = target.name GROUP BY coalesce(status, '')`); err != nil {
		return err
	}
	if err := t.countProblems(ctx, totals); err != nil {
		return err
	}
	if totals.FailingSteps, err = counts[condition.Resource](ctx, t, `SELECT resource AS name, count(*) AS number FROM condition
		WHERE kind IN ('step', 'delayed') AND confirmed GROUP BY resource`); err != nil {
		return err
	}
	if totals.NotCovered, err = one[int](ctx, t, `SELECT count(*) FROM target_state WHERE coverage = ?`, string(vuln.NotCovered)); err != nil {
		return err
	}
	due, err := one[struct {
		Number int
		Since  int64
	}](ctx, t, `SELECT count(*) AS number, coalesce(min(due), 0) AS since FROM target WHERE due <= ?`, toMicros(now))
	totals.Due, totals.DueSince = due.Number, timeOf(due.Since)
	return err
}

// countProblems reads the kinds in Go: the databases differ in how they check
// into JSON, and few tags have a problem.
func (t tx) countProblems(ctx context.Context, totals *Totals) error {
	var err error
	totals.FailingByKind, err = counts[string](ctx, t, `SELECT error_kind AS name, count(*) AS number FROM condition WHERE kind = 'unresolved' GROUP BY error_kind`)
	if err != nil {
		return err
	}
	problems, err := all[string](ctx, t, `SELECT problem FROM target_state WHERE problem <> ''
		AND NOT EXISTS (SELECT 1 FROM condition WHERE kind = 'unresolved' AND resource = 'tag' AND name = target)`)
	if err != nil {
		return err
	}
	for _, text := range problems {
		problem, err := parse[condition.Problem](text)
		if err != nil {
			return err
		}
		totals.FailingByKind[problem.Kind]++
	}
	return nil
}

func (t tx) countImages(ctx context.Context, _ time.Time, totals *Totals) (err error) {
	if totals.ImagesByState, err = counts[string](ctx, t, `SELECT state AS name, count(*) AS number FROM image GROUP BY state`); err != nil {
		return err
	}
	if totals.Repositories, err = one[int](ctx, t, `SELECT count(*) FROM repository`); err != nil {
		return err
	}
	if totals.FailingRepositories, err = one[int](ctx, t, `SELECT count(*) FROM condition WHERE kind = 'unlistable' AND confirmed`); err != nil {
		return err
	}
	if totals.Sources, err = one[int](ctx, t, `SELECT count(*) FROM source`); err != nil {
		return err
	}
	if totals.FailingSources, err = one[int](ctx, t, `SELECT count(*) FROM condition WHERE kind = 'unreadable' AND confirmed`); err != nil {
		return err
	}
	totals.NotApplied, err = t.shown(ctx, condition.NotApplied, condition.Task, declaration.Folder)
	return err
}

func (t tx) countNotified(ctx context.Context, now time.Time, totals *Totals) (err error) {
	if totals.NotificationsByType, err = counts[notification.Type](ctx, t, `SELECT type AS name, count(*) AS number FROM notification GROUP BY type`); err != nil {
		return err
	}
	if totals.DeliveriesByState, err = counts[delivery.State](ctx, t, `SELECT state AS name, count(*) AS number FROM delivery GROUP BY state`); err != nil {
		return err
	}
	oldest, err := one[int64](ctx, t, `SELECT coalesce(min(created), 0) FROM delivery WHERE state = 'pending'`)
	if err != nil {
		return err
	}
	totals.PendingSince = timeOf(oldest)
	return t.countEndpoints(ctx, now, totals)
}

func (t tx) countEndpoints(ctx context.Context, now time.Time, totals *Totals) error {
	endpoints, err := t.endpoints(ctx)
	if err != nil {
		return err
	}
	lost, err := t.givenUp(ctx, now.Add(-delivery.GivenUpSpan))
	totals.EndpointsByHealth = map[delivery.Health]int{}
	for _, endpoint := range endpoints {
		totals.EndpointsByHealth[endpoint.State.Health(lost[endpoint.Name])]++
	}
	return err
}

func (t tx) countFeed(ctx context.Context, _ time.Time, totals *Totals) error {
	row, err := t.feed(ctx)
	if err != nil {
		return err
	}
	unreachable, err := t.shown(ctx, condition.SourceUnreachable, condition.Data, condition.AllData)
	if err != nil {
		return err
	}
	totals.FeedChecked, totals.FeedFailing = timeOf(row.Checked), unreachable != nil
	held, err := one[int](ctx, t, `SELECT count(*) FROM data_build WHERE held <> 0`)
	if err != nil {
		return err
	}
	totals.FeedHeld = held > 0
	if totals.FeedConditions, err = t.conditions(ctx, condition.Scope{Kinds: vuln.ConditionKinds}, ""); err != nil {
		return err
	}
	current, err := t.currentBuild(ctx)
	totals.FeedBuilt, totals.FeedProviders = current.Built, current.Providers
	return err
}

type countRow struct {
	Name   string
	Number int
}

// counts reads numbers by name; the query calls its columns name and number.
func counts[Name ~string](ctx context.Context, t tx, query string) (map[Name]int, error) {
	rows, err := all[countRow](ctx, t, query)
	counts := make(map[Name]int, len(rows))
	for _, row := range rows {
		counts[Name(row.Name)] = row.Number
	}
	return counts, err
}

// currentBuild is zero without any data.
func (t tx) currentBuild(ctx context.Context) (vuln.Description, error) {
	content, found, err := first[string](ctx, t, `SELECT content FROM data_build JOIN feed ON feed.build = data_build.checksum`)
	if err != nil || !found {
		return vuln.Description{}, err
	}
	return parse[vuln.Description](content)
}
