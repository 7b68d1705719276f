package activities_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// errKilled stands for a worker that is killed: nobody learns what it has done.
var errKilled = errors.New("the worker was killed")

// mortal is a store whose worker is killed at one of its writes: before it, or
// after it.
type mortal struct {
	*store.Store

	mu     sync.Mutex
	at     int // number of the write, from 1; 0 for none
	after  bool
	writes int
}

func (m *mortal) write(do func() error) error {
	m.mu.Lock()
	m.writes++
	fatal, after := m.writes == m.at, m.after
	m.mu.Unlock()
	if fatal && !after {
		return errKilled
	}
	if err := do(); err != nil || !fatal {
		return err
	}
	return errKilled
}

func (m *mortal) Subscribe(ctx context.Context, s []subscription.Subscription, poll time.Duration, now time.Time) error {
	return m.write(func() error { return m.Store.Subscribe(ctx, s, poll, now) })
}

func (m *mortal) Record(ctx context.Context, t image.Target, decide func(watch.RecordView) (watch.Decision, error)) error {
	return m.write(func() error { return m.Store.Record(ctx, t, decide) })
}

func (m *mortal) RecordAll(ctx context.Context, targets []image.Target, decide func(int, watch.RecordView) (watch.Decision, watcher.WakeReason, error)) error {
	return m.write(func() error { return m.Store.RecordAll(ctx, targets, decide) })
}

func (m *mortal) KeepOutcomes(ctx context.Context, from, to string, targets []image.Target) error {
	return m.write(func() error { return m.Store.KeepOutcomes(ctx, from, to, targets) })
}

func (m *mortal) Woke(ctx context.Context, owed []watch.OwedWake) error {
	return m.write(func() error { return m.Store.Woke(ctx, owed) })
}

func (m *mortal) Started(ctx context.Context, targets []image.Target) error {
	return m.write(func() error { return m.Store.Started(ctx, targets) })
}

func (m *mortal) RecordRepository(ctx context.Context, name image.Repository, decide func(taglist.View) (taglist.Decision, error)) error {
	return m.write(func() error { return m.Store.RecordRepository(ctx, name, decide) })
}

func (m *mortal) Note(ctx context.Context, t image.Target, checked time.Time, p *condition.Problem) error {
	return m.write(func() error { return m.Store.Note(ctx, t, checked, p) })
}

func (m *mortal) NoteFeed(ctx context.Context, checked time.Time, status vuln.Lifecycle) error {
	return m.write(func() error { return m.Store.NoteFeed(ctx, checked, status) })
}

func (m *mortal) FollowConditions(ctx context.Context, report condition.Report, now time.Time,
	announce func([]condition.Change) ([]notification.Notification, error), window time.Duration) (changes []condition.Change, endpoints []string, err error) {
	err = m.write(func() error {
		changes, endpoints, err = m.Store.FollowConditions(ctx, report, now, announce, window)
		return err
	})
	return changes, endpoints, err
}

func (m *mortal) EndHold(ctx context.Context) error {
	return m.write(func() error { return m.Store.EndHold(ctx) })
}

func (m *mortal) Publish(ctx context.Context, n notification.Notification, o subscription.Options, window time.Duration) (endpoints []string, err error) {
	err = m.write(func() error { endpoints, err = m.Store.Publish(ctx, n, o, window); return err })
	return endpoints, err
}

func (m *mortal) SaveImage(ctx context.Context, i *sbom.Inventory, document []byte, analyzer string, now time.Time) error {
	return m.write(func() error { return m.Store.SaveImage(ctx, i, document, analyzer, now) })
}

func (m *mortal) SaveFailure(ctx context.Context, d image.Digest, analyzer string, p condition.Problem, now time.Time) error {
	return m.write(func() error { return m.Store.SaveFailure(ctx, d, analyzer, p, now) })
}

func (m *mortal) SaveGroups(ctx context.Context, d image.Digest, e vuln.Matcher, groups []vuln.Group) error {
	return m.write(func() error { return m.Store.SaveGroups(ctx, d, e, groups) })
}

func (m *mortal) SaveFindings(ctx context.Context, build string, e vuln.Matcher, found map[int64][]vuln.GroupFinding, now time.Time) error {
	return m.write(func() error { return m.Store.SaveFindings(ctx, build, e, found, now) })
}

func (m *mortal) SaveBuild(ctx context.Context, d vuln.Description, state databuild.BuildState, reasons []string, now time.Time) error {
	return m.write(func() error { return m.Store.SaveBuild(ctx, d, state, reasons, now) })
}

func (m *mortal) Stage(ctx context.Context, build string, e vuln.Matcher, found map[int64][]vuln.GroupFinding) error {
	return m.write(func() error { return m.Store.Stage(ctx, build, e, found) })
}

func (m *mortal) Advance(ctx context.Context, a databuild.Advance, now time.Time) (moved databuild.Moved, err error) {
	err = m.write(func() error { moved, err = m.Store.Advance(ctx, a, now); return err })
	return moved, err
}

func (m *mortal) RecordAttempts(ctx context.Context, made []delivery.Attempted) error {
	return m.write(func() error { return m.Store.RecordAttempts(ctx, made) })
}

func (m *mortal) Announced(ctx context.Context, deliveries []int64) error {
	return m.write(func() error { return m.Store.Announced(ctx, deliveries) })
}

func (m *mortal) SetEndpointState(ctx context.Context, name string, state delivery.EndpointState) error {
	return m.write(func() error { return m.Store.SetEndpointState(ctx, name, state) })
}

func (m *mortal) MakeDue(ctx context.Context, name string, now time.Time) error {
	return m.write(func() error { return m.Store.MakeDue(ctx, name, now) })
}

func (m *mortal) Combine(ctx context.Context, message string, deliveries []int64) error {
	return m.write(func() error { return m.Store.Combine(ctx, message, deliveries) })
}

func (m *mortal) Debounce(ctx context.Context, deliveries []int64, reason string) error {
	return m.write(func() error { return m.Store.Debounce(ctx, deliveries, reason) })
}

func (m *mortal) Checked(ctx context.Context, checks []polling.Check) error {
	return m.write(func() error { return m.Store.Checked(ctx, checks) })
}
