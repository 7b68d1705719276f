package activities_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"github.com/tagwatch/tagwatch/adapters/store/storetest"
	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// renewing is a rig with a tag whose image "analyzer 1" analyzed, and with
// "analyzer 2" at work now.
func renewing(t *testing.T) *rig {
	r := newRig(t)
	r.steps.RenewPace = 120
	r.lives()
	r.push("app:1", "zlib 1")
	r.settled("app:1")
	r.clock.advance(time.Minute)
	r.analyzer.version = "analyzer 2"
	r.lives()
	r.watchers.take()
	return r
}

// lives makes the worker's analyzer known, and reports whether it begins to lead.
func (r *rig) lives() (led bool) {
	r.Helper()
	_, err := r.steps.HousekeepAnalyzerOnce(r.Context(), false, func(context.Context) error { led = true; return nil })
	r.must(err)
	return led
}

func (r *rig) nextRenewal() analysis.Renewal {
	r.Helper()
	return do[analysis.Renewal](r, r.steps.NextRenewal, analysis.RenewalRequest{})
}

func TestRenewAnImage(t *testing.T) {
	t.Parallel()
	r := renewing(t)
	next := r.nextRenewal()
	if next.Analyzer != "analyzer 2" || next.Left != 1 || next.Pause != 30*time.Second || next.Problem != nil || next.Target != r.target("app:1") {
		t.Fatalf("to be renewed: %+v", next)
	}
	end := analysis.RenewalEnd{Analyzer: next.Analyzer, Digest: next.Digest}
	if do[bool](r, r.steps.EndRenewal, end) || len(r.watchers.take()) != 0 {
		t.Error("an image that nobody analyzed is renewed")
	}
	do[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: next.Target, Digest: next.Digest, Force: true, Urgency: analysis.NotUrgent})
	if !do[bool](r, r.steps.EndRenewal, end) {
		t.Error("it is not renewed")
	}
	if diff := cmp.Diff([]string{"analysis app:1"}, r.watchers.take()); diff != "" {
		t.Errorf("woken (-want +got):\n%s", diff)
	}
	if left := r.nextRenewal(); left.Number != 0 {
		t.Errorf("still to be renewed: %+v", left)
	}
}

// An older image that still runs is analyzed and matched again too; its tag has nothing to do.
func TestRenewAnOlderImage(t *testing.T) {
	t.Parallel()
	r := newEngineRig(t, storetest.Open(t))
	r.steps.RenewPace = 120
	r.lives()
	r.matcher.knows(checksum(1), "zlib 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	before := r.push("app:1", "openssl 1")
	r.runsNow(before, before, before, before, before)
	app := r.target("app:1")
	r.resync(app)
	r.push("app:1", "openssl 9")
	r.clock.advance(time.Hour)
	r.resync(app)
	r.clock.advance(time.Minute)
	r.analyzer.version = "analyzer 2"
	r.lives()
	r.analyzer.finds(before, "openssl 1", "zlib 1")
	r.affected("CVE-2026-0001")
	next := r.nextRenewal()
	if next.Digest != before || next.Target != app || !next.Older || next.Left != 2 {
		t.Fatalf("to be renewed: %+v", next)
	}
	r.watchers.take()
	do[analysis.Result](r.rig, r.steps.Analyze, analysis.Request{Target: next.Target, Digest: next.Digest, Force: true, Urgency: analysis.NotUrgent})
	if !do[bool](r.rig, r.steps.EndRenewal, analysis.RenewalEnd{Analyzer: next.Analyzer, Digest: next.Digest}) {
		t.Error("it is not renewed")
	}
	if woken := r.watchers.take(); len(woken) > 0 {
		t.Errorf("woken %v", woken)
	}
	do[any](r.rig, r.steps.Match, next.Digest)
	r.affected("CVE-2026-0001", "service shop/web 5 of zlib, older")
}

func TestRenewalsAreOff(t *testing.T) {
	t.Parallel()
	r := renewing(t)
	r.steps.RenewPace = 0
	if next := r.nextRenewal(); next.Number != 0 {
		t.Errorf("to be renewed: %+v", next)
	}
}

// During an upgrade only the newer analyzer renews; the older one neither undoes
// it nor takes the work, until the newer one is gone.
func TestTheLeadingAnalyzerRenews(t *testing.T) {
	t.Parallel()
	r := renewing(t)
	next := r.nextRenewal()
	request := analysis.Request{Target: next.Target, Digest: next.Digest, Force: true, Urgency: analysis.NotUrgent}
	r.analyzer.version = "analyzer 1"
	if r.lives() {
		t.Error("the older analyzer leads")
	}
	_, err := try[analysis.Result](r, r.steps.Analyze, request)
	expectFault(t, err, errkind.Conflict, true)
	if application, ok := errors.AsType[*temporal.ApplicationError](err); !ok || application.NextRetryDelay() != 2*time.Second {
		t.Errorf("a worker that leads is long waited for: %v", err)
	}
	r.analyzer.version = "analyzer 2"
	do[analysis.Result](r, r.steps.Analyze, request)
	r.analyzer.version = "analyzer 1"
	if again := r.nextRenewal(); again.Number != 0 {
		t.Errorf("the older analyzer undoes it: %+v", again)
	}
	r.clock.advance(databuild.MatcherGracePeriod + time.Minute)
	if !r.lives() {
		t.Error("it does not lead when the newer one is gone")
	}
	if back := r.nextRenewal(); back.Analyzer != "analyzer 1" || back.Digest != next.Digest {
		t.Errorf("after the return: %+v", back)
	}
}

// An image that cannot be had is tried a few times; a registry that does not
// answer counts for nothing.
func TestFailedRenewals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		kind  error
		tries int // 0 for any number
	}{
		{"refused", errkind.Unauthorized, 5},
		{"gone", errkind.NotFound, 5},
		{"no answer", errkind.Unavailable, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := renewing(t)
			p := &condition.Problem{Kind: errkind.Name(test.kind), Stage: condition.StageAnalyze, Message: "no"}
			tries := 0
			for range 240 { // half hours
				r.lives()
				if next := r.nextRenewal(); next.Number != 0 {
					tries++
					do[bool](r, r.steps.EndRenewal, analysis.RenewalEnd{Analyzer: next.Analyzer, Digest: next.Digest, Problem: p})
				}
				r.clock.advance(30 * time.Minute)
			}
			if test.tries == 0 && tries < 100 || test.tries > 0 && tries != test.tries {
				t.Errorf("%d tries, want %d", tries, test.tries)
			}
			r.analyzer.version = "analyzer 3"
			r.lives()
			if next := r.nextRenewal(); next.Number == 0 {
				t.Error("the next analyzer does not try it")
			}
		})
	}
}

// What the newer analyzer cannot analyze is not tried again by it, and keeps what
// is known; its tags learn of the problem.
func TestARenewalThatFailsForGood(t *testing.T) {
	t.Parallel()
	r := renewing(t)
	next := r.nextRenewal()
	r.analyzer.failures[next.Digest] = fmt.Errorf("layer 1: %w", errkind.Limit)
	done := do[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: next.Target, Digest: next.Digest, Force: true, Urgency: analysis.NotUrgent})
	if done.Problem == nil || do[bool](r, r.steps.EndRenewal, analysis.RenewalEnd{Analyzer: next.Analyzer, Digest: next.Digest, Problem: done.Problem}) {
		t.Errorf("it is renewed: %+v", done)
	}
	if woken := r.watchers.take(); !slices.Contains(woken, "analysis app:1") {
		t.Errorf("woken %v", woken)
	}
	if again := r.nextRenewal(); again.Number != 0 {
		t.Errorf("tried again: %+v", again)
	}
}

func TestARegistryThatLacksTheImageIsNotAskedForIt(t *testing.T) {
	t.Parallel()
	r := renewing(t)
	r.must(r.registry.Delete(t.Context(), "app:1"))
	if next := r.nextRenewal(); next.Problem == nil || next.Problem.Kind != errkind.Name(errkind.NotFound) {
		t.Errorf("to be renewed: %+v", next)
	}
}

// A worker tells once that it begins to lead, and again until it was heard.
func TestHousekeepAnalyzer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, stop := context.WithCancel(t.Context())
	r.steps.HousekeepAnalyzer(ctx, func(context.Context) error { stop(); return nil }) // ends
	deaf := func(context.Context) error { return errkind.Unavailable }
	if leading, err := r.steps.HousekeepAnalyzerOnce(t.Context(), false, deaf); leading || err == nil {
		t.Errorf("not heard: %t, %v", leading, err)
	}
	if leading, err := r.steps.HousekeepAnalyzerOnce(t.Context(), true, deaf); !leading || err != nil {
		t.Errorf("notified again: %t, %v", leading, err)
	}
}
