package activities_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/watcher"
)

// reevaluated has three tags: one with a High flaw, one without any, and one
// that nobody has checked yet.
func reevaluated(t *testing.T) *rig {
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-1", vuln.High))
	r.data(1)
	r.activate("first", "critical")
	r.endpoint("hook")
	r.push("app:flawed", "openssl 1")
	r.push("app:sound", "openssl 2")
	r.push("app:waiting", "openssl 3")
	r.settled("app:flawed")
	r.settled("app:sound")
	r.subscribe(r.target("app:waiting"))
	r.watchers.take()
	return r
}

func TestReevaluate(t *testing.T) {
	t.Parallel()
	r := reevaluated(t)
	before := len(r.notified())
	r.activate("second", "high")
	done := do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
	if done.Evaluated != 2 || done.Kept+done.Outdated > 0 {
		t.Errorf("%+v, want two evaluated", done)
	}
	r.expect(before, "policy_eval policy app:flawed")
	if diff := cmp.Diff([]string{"endpoint hook", "policy app:flawed"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got)\n%s", diff)
	}
	// The watchers have nothing left to record, and show what was.
	seen := r.resync(r.target("app:flawed"))
	if seen.Changed || seen.Summary == nil || seen.Summary.Status != "fail" {
		t.Errorf("the watcher sees %+v", seen)
	}
	if seen := r.resync(r.target("app:sound")); seen.Changed {
		t.Errorf("the watcher sees %+v", seen)
	}
	r.expect(before, "policy_eval policy app:flawed")
}

func TestReevaluateAgain(t *testing.T) {
	t.Parallel()
	r := reevaluated(t)
	r.activate("second", "high")
	do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
	notified := len(r.notified())
	r.watchers.take()
	do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
	r.expect(notified)
	if diff := cmp.Diff([]string(nil), r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got)\n%s", diff)
	}
}

// A watcher has to know when time alone will change its outcome.
func TestReevaluateToAnExpiry(t *testing.T) {
	t.Parallel()
	r := reevaluated(t)
	expires := r.clock.Now().Add(time.Hour)
	r.activate("second", "high", waiver("CVE-2026-1+openssl", expires))
	notified := len(r.notified())
	do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
	r.expect(notified)
	if diff := cmp.Diff([]string{"policy app:flawed"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got)\n%s", diff)
	}
	if seen := r.resync(r.target("app:flawed")); !seen.Next.Equal(expires) {
		t.Errorf("next %s, want %s", seen.Next, expires)
	}
}

// After a move to newer data, tags that it did not touch are still of the old.
func TestReevaluateAfterNewData(t *testing.T) {
	t.Parallel()
	r := reevaluated(t)
	r.feed.offers(description(2))
	fetched := do[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
	do[databuild.Advanced](r, r.steps.AdvanceFeed, databuild.AdvanceRequest{Build: *fetched.Build, From: fetched.Current})
	r.activate("second", "high")
	notified := len(r.notified())
	if done := do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{}); done.Evaluated != 2 || done.Kept+done.Outdated > 0 {
		t.Errorf("%+v, want two evaluated", done)
	}
	r.expect(notified, "vuln_update feed app:flawed") // the new data know nothing of it
}

// What was stored before the step failed is sent once it is repeated, although there
// is nothing left to evaluate.
func TestReevaluateRepeatedWakesEndpoints(t *testing.T) {
	t.Parallel()
	r := reevaluated(t)
	notified := len(r.notified())
	r.activate("second", "high")
	r.watchers.failure = errkind.Unavailable
	r.watchers.failing = func() { r.watchers.failure = nil }
	step := func(ctx workflow.Context) error {
		options := workflow.ActivityOptions{StartToCloseTimeout: time.Minute}
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), "Reevaluate", watch.ReevaluateRequest{}).Get(ctx, nil)
	}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(slog.New(slog.DiscardHandler))
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivityWithOptions(r.steps, activity.RegisterOptions{SkipInvalidStructFunctions: true})
	env.RegisterWorkflow(step)
	env.ExecuteWorkflow(step)
	r.must(env.GetWorkflowError())
	r.expect(notified, "policy_eval policy app:flawed")
	if woken := r.watchers.take(); !slices.Contains(woken, "endpoint hook") {
		t.Errorf("woken: %v", woken)
	}
}

// mapped stops the images of a repository that have vulnerabilities so severe.
func mapped(repository, severity string) string {
	return fmt.Sprintf(`{"id": %q, "name": %q, "registry": "*", "repository": %q, "image": {"type": "tag", "value": "*"}, "policy_ids": [%q], "whitelist_ids": []}`,
		repository, repository, repository, severity)
}

// mapTo makes a bundle with those mappings the active one.
func (r *rig) mapTo(id string, mappings ...string) {
	r.Helper()
	stop := func(severity string) string {
		return fmt.Sprintf(`{"id": %q, "version": "1_0", "rules": [{"id": "r", "gate": "vulnerabilities", "trigger": "package", "action": "STOP", "params": [
			{"name": "package_type", "value": "all"}, {"name": "severity_comparison", "value": ">="}, {"name": "severity", "value": %q}]}]}`, severity, severity)
	}
	r.activateDocument(id, fmt.Sprintf(`{"id": %q, "version": "1_0", "name": %q, "policies": [%s, %s], "whitelists": [], "mappings": [%s]}`,
		id, id, stop("high"), stop("critical"), strings.Join(mappings, ", ")))
}

// counted has tags of one image in two repositories, each with its mapping.
func counted(t *testing.T) *rig {
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-1", vuln.High))
	r.data(1)
	r.mapTo("first", mapped("strict", "critical"), mapped("*", "critical"))
	r.endpoint("hook")
	for n := range 30 {
		r.push(fmt.Sprintf("strict:%d", n), "openssl 1")
		r.push(fmt.Sprintf("loose:%d", n), "openssl 1")
	}
	for n := range 30 {
		r.settled(fmt.Sprintf("strict:%d", n))
		r.settled(fmt.Sprintf("loose:%d", n))
	}
	r.watchers.take()
	return r
}

// A bundle that changes for some tags leaves the others alone, and one evaluation
// serves all that differ in nothing but the name. Each tag is named in its own document.
func TestReevaluateOnlyWhatTheDifferenceConcerns(t *testing.T) {
	t.Parallel()
	r := counted(t)
	before := len(r.notified())
	r.mapTo("second", mapped("strict", "high"), mapped("*", "critical"))
	r.registry.Forget()
	done := do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
	if done.Evaluated != 30 || done.Kept != 30 || done.Outdated != 0 {
		t.Errorf("%+v, want 30 evaluated and 30 kept", done)
	}
	if calls := r.registry.Calls(); len(calls) > 0 {
		t.Errorf("unexpected requests to the registry: %v", calls)
	}
	told := r.notified()[before:]
	if len(told) != 30 || !slices.Contains(told, "policy_eval policy strict:17") {
		t.Errorf("notified: %v", told)
	}
	active, err := r.store.ActiveBundle(t.Context())
	r.must(err)
	for _, name := range []string{"strict:3", "loose:3"} {
		view, err := r.store.View(t.Context(), r.target(name))
		r.must(err)
		if view.State.Basis.Bundle != active.Hash || !strings.Contains(string(view.State.Evaluation.Document), r.target(name).Reference.String()) {
			t.Errorf("%s: of bundle %q, %s", name, view.State.Basis.Bundle, view.State.Evaluation.Document)
		}
		if seen := r.resync(r.target(name)); seen.Changed {
			t.Errorf("%s is to be recorded again", name)
		}
	}
}

// A tag that changes while it is evaluated is left to its watcher; the others of its
// transaction are recorded.
func TestReevaluateBesideAWatcher(t *testing.T) {
	t.Parallel()
	r := reevaluated(t)
	before := len(r.notified())
	r.activate("second", "high")
	r.steps.Store = &racing{Store: r.store, target: r.target("app:sound")}
	done := do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
	if done.Evaluated != 1 || done.Outdated != 1 {
		t.Errorf("%+v, want one of each", done)
	}
	r.expect(before, "policy_eval policy app:flawed")
	if diff := cmp.Diff([]string{"endpoint hook", "outdated app:sound", "policy app:flawed"}, slices.Sorted(slices.Values(r.watchers.take()))); diff != "" {
		t.Errorf("woken (-want +got)\n%s", diff)
	}
}

// racing is a store in which a watcher records its tag before the evaluations are.
type racing struct {
	*store.Store
	target image.Target
}

func (s *racing) RecordAll(ctx context.Context, targets []image.Target, decide func(int, watch.RecordView) (watch.Decision, watcher.WakeReason, error)) error {
	err := s.Record(ctx, s.target, func(view watch.RecordView) (watch.Decision, error) {
		state := view.State
		state.Revision++
		return watch.Decision{State: state}, nil
	})
	if err != nil {
		return err
	}
	return s.Store.RecordAll(ctx, targets, decide)
}

// Another matcher counts as newer data: changed lists are notified, without a request to
// a registry.
func TestReevaluateWithAnotherMatcher(t *testing.T) {
	t.Parallel()
	r := reevaluated(t)
	before := len(r.notified())
	r.matcher.version = "matcher 2"
	delete(r.matcher.data[checksum(1)], "openssl 1")
	r.registry.Forget()
	r.sync(databuild.SyncRequest{})
	if calls := r.registry.Calls(); len(calls) > 0 {
		t.Errorf("unexpected requests to the registry: %v", calls)
	}
	r.expect(before, "vuln_update scanner app:flawed")
	if seen := r.resync(r.target("app:sound")); seen.Changed {
		t.Errorf("the watcher sees %+v", seen)
	}
}

// A watcher is owed what it does not show yet, also when its tag is recorded again
// before it was woken, with nothing new.
func TestReevaluateTwiceBeforeWatchersAreWoken(t *testing.T) {
	t.Parallel()
	r := reevaluated(t)
	r.activate("second", "high")
	r.watchers.failure = errkind.Unavailable
	if _, err := try[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{}); err == nil {
		t.Fatal("nobody was to be woken")
	}
	r.watchers.failure = nil
	r.watchers.take()
	r.activate("third", "medium")
	do[watch.Reevaluated](r, r.steps.Reevaluate, watch.ReevaluateRequest{})
	if diff := cmp.Diff([]string{"policy app:flawed"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got)\n%s", diff)
	}
}
