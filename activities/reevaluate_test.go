package activities_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
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
	done := do[watch.Reevaluated](r, r.steps.Reevaluate)
	if done.Evaluated != 1 || done.Woken != 2 {
		t.Errorf("%+v, want one evaluated and two woken", done)
	}
	r.expect(before, "policy_eval policy app:flawed")
	if diff := cmp.Diff([]string{"endpoint hook", "policy app:flawed", "policy app:waiting"}, r.watchers.take()); diff != "" {
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
	do[watch.Reevaluated](r, r.steps.Reevaluate)
	notified := len(r.notified())
	r.watchers.take()
	do[watch.Reevaluated](r, r.steps.Reevaluate)
	r.expect(notified)
	if diff := cmp.Diff([]string{"policy app:waiting"}, r.watchers.take()); diff != "" {
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
	do[watch.Reevaluated](r, r.steps.Reevaluate)
	r.expect(notified)
	if diff := cmp.Diff([]string{"policy app:flawed", "policy app:waiting"}, r.watchers.take()); diff != "" {
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
	if done := do[watch.Reevaluated](r, r.steps.Reevaluate); done.Evaluated != 1 || done.Woken != 2 {
		t.Errorf("%+v, want one evaluated and two woken", done)
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
		return workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), "Reevaluate").Get(ctx, nil)
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
