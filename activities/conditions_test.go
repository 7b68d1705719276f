package activities_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/lab"
)

// TestRegistryIsFollowed: people are notified once that a registry fails, and once
// that it recovered. A check of nothing, or a limit that passes, says neither.
func TestRegistryIsFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	failing, recovered := "system.registry.failing "+r.registry.Host(), "system.registry.recovered "+r.registry.Host()
	r.watched("app:1", "app:2")
	r.poll()
	mark := len(r.notified())
	var want []string
	poll := func(after time.Duration, more ...string) {
		t.Helper()
		r.clock.advance(after)
		r.poll()
		want = append(want, more...)
		r.expect(mark, want...)
	}
	heal := func() {
		r.registry.Heal()
		fresh, err := registry.New(registry.Options{RequestsPerSecond: 1e6}) // one that need not wait
		r.must(err)
		r.steps.Registry = fresh
	}
	limit := func(seconds string) {
		r.registry.Fail(lab.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {seconds}}})
	}

	r.registry.Fail(lab.Fault{Status: http.StatusBadGateway})
	poll(time.Hour, failing)
	poll(time.Hour)
	heal()
	poll(time.Hour, recovered)
	poll(time.Second) // nothing is due
	poll(time.Hour)

	limit("60")
	poll(time.Hour)
	heal()
	poll(time.Hour)
	limit("60")
	poll(time.Hour)
	poll(10*time.Minute, failing)
	heal()
	poll(time.Hour, recovered)
	limit("3600")
	poll(time.Hour, failing)
	heal()
	poll(time.Hour, recovered)
}

// delayed reports that a tag's analysis does not come, or that nothing is wrong.
func (r *rig) delayed(target image.Target, kind error) {
	r.Helper()
	report := condition.Report{Scope: condition.Scope{Kinds: condition.StepConditions, Resource: condition.Tag, Name: target.String()}}
	if kind != nil {
		report.Found = []condition.Found{{Key: condition.Key{Kind: condition.Delayed, Resource: condition.Tag, Name: target.String()},
			Step: string(condition.StageAnalyze), ErrorKind: errkind.Name(kind), Message: kind.Error()}}
	}
	do[any](r, r.steps.FollowConditions, report)
}

// analyzing has a worker at work that analyzes.
func (r *rig) analyzing() {
	r.Helper()
	r.must(r.store.SeeAnalyzer(r.Context(), r.analyzer.Version(), r.clock.Now()))
}

// anHourLater there is a worker at work.
func (r *rig) anHourLater() {
	r.clock.advance(time.Hour)
	r.analyzing()
}

// TestDelayedAnalysesAreOfTheirRegistry: however many analyses a registry delays, that
// is one condition, and none beside that it does not respond at all.
func TestDelayedAnalysesAreOfTheirRegistry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.analyzing()
	host := r.registry.Host()
	var targets []image.Target
	for n := range 20 {
		name := fmt.Sprintf("app:%d", n)
		r.push(name, "a 1")
		target := r.target(name)
		r.subscribe(target)
		targets = append(targets, target)
	}
	all := func(kind error) {
		for _, target := range targets {
			r.delayed(target, kind)
		}
	}
	all(errkind.Unavailable)
	r.expect(0)
	r.anHourLater()
	all(errkind.Unavailable)
	r.expect(0, "system.step.failing "+host)
	for _, target := range targets[1:] {
		r.delayed(target, nil)
	}
	r.expect(0, "system.step.failing "+host)
	r.delayed(targets[0], nil)
	r.expect(0, "system.step.failing "+host, "system.step.recovered "+host)
	all(nil)

	mark := len(r.notified())
	r.registry.Fail(lab.Fault{Status: http.StatusBadGateway})
	all(errkind.Unavailable)
	r.anHourLater()
	r.poll()
	all(errkind.Unavailable)
	r.registry.Heal()
	do[polling.Report](r, r.steps.CheckRegistry, host)
	r.anHourLater()
	r.poll()
	all(nil)
	r.expect(mark, "system.registry.failing "+host, "system.registry.recovered "+host)

	// One that is delayed for a reason of its own is notified by itself.
	r.delayed(targets[3], errkind.Conflict)
	r.delayed(targets[3], nil)
	r.expect(mark+2, "system.step.failing app:3", "system.step.recovered app:3")
}

// TestDelayedWithoutAWorker: analyses that wait for a worker are one condition.
func TestDelayedWithoutAWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var targets []image.Target
	for n := range 5 {
		target := r.target(fmt.Sprintf("app:%d", n))
		r.push(fmt.Sprintf("app:%d", n), "a 1")
		r.subscribe(target)
		targets = append(targets, target)
	}
	for _, target := range targets {
		r.delayed(target, errkind.Conflict)
	}
	r.analyzing()
	for _, target := range targets {
		r.delayed(target, nil)
	}
	r.expect(0, "system.step.failing analyze-images", "system.step.recovered analyze-images")
}
