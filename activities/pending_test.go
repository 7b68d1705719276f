package activities_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// TestAMoveDoesNotWaitForTheAnalysis: a tag that moved is notified at once, and until
// its new image is analyzed the last analyzed one is matched and evaluated.
func TestAMoveDoesNotWaitForTheAnalysis(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "zlib 1", cve("CVE-2026-0009", vuln.Low))
	r.data(1)
	r.activate("usual", "high")
	old := r.push("app:1", "openssl 1", "zlib 1")
	target := r.settled("app:1")
	mark := len(r.notified())

	r.clock.advance(time.Minute)
	moved := r.clock.Now()
	next := r.push("app:1", "openssl 2")
	r.resyncOnce(target)
	r.expect(mark, "tag_update image app:1")
	expectPending(t, r, target, old, next, moved)
	if seen := r.resyncOnce(target); seen.Changed {
		t.Error("a tag that waits for its analysis makes every resync anew")
	}

	mark = len(r.notified())
	r.clock.advance(time.Hour)
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.matcher.knows(checksum(2), "zlib 1", cve("CVE-2026-0009", vuln.Low))
	r.watchers.take()
	r.data(2)
	if woken := r.watchers.take(); !slices.Contains(woken, "data app:1") {
		t.Errorf("woken: %v", woken)
	}
	r.resyncOnce(target)
	r.expect(mark, "vuln_update feed app:1", "policy_eval feed app:1")
	mark = len(r.notified())
	r.activate("mild", "critical")
	r.resyncOnce(target)
	r.expect(mark, "policy_eval policy app:1")
	expectPending(t, r, target, old, next, moved)

	mark = len(r.notified())
	r.resync(target) // with the analysis
	r.expect(mark, "analysis_update image app:1", "vuln_update image app:1")
	var analyzed struct {
		Difference struct {
			Packages struct{ Changed, Removed []struct{ Name string } }
		} `json:"image_difference"`
	}
	r.must(json.Unmarshal(lastOf(r, notification.AnalysisUpdate).Payload, &analyzed))
	if p := analyzed.Difference.Packages; len(p.Changed) != 1 || len(p.Removed) != 1 {
		t.Errorf("analysis_update tells of the packages %+v", p)
	}
	expectPending(t, r, target, next, next, time.Time{})
}

// A tag that moves on before its first image is analyzed has moved all the same.
func TestAMoveBeforeTheFirstAnalysis(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.push("app:1", "openssl 1")
	target := r.target("app:1")
	r.subscribe(target)
	began := r.clock.Now()
	r.resyncOnce(target)
	r.expect(0)
	expectPending(t, r, target, "", first, began)
	r.clock.advance(time.Minute)
	second := r.push("app:1", "openssl 2")
	r.resyncOnce(target)
	r.expect(0, "tag_update image app:1")
	expectPending(t, r, target, "", second, r.clock.Now())
}

// Nobody to analyze is a reason that people see; a queue is not.
func TestAnalysisThatIsNotToBeExpected(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	target := r.target("app:1")
	r.subscribe(target)
	if seen := r.resyncOnce(target); seen.Delay == nil || seen.Delay.Stage != condition.StageAnalyze {
		t.Errorf("without a worker that analyzes, the delay is %+v", seen.Delay)
	}
	r.must(r.store.SeeAnalyzer(t.Context(), r.analyzer.Version(), r.clock.Now()))
	if seen := r.resyncOnce(target); seen.Delay != nil {
		t.Errorf("with one, the delay is %+v", seen.Delay)
	}
	r.clock.advance(databuild.MatcherGracePeriod + time.Minute)
	if seen := r.resyncOnce(target); seen.Delay == nil {
		t.Error("when it is gone, the tag waits for its turn")
	}
}

func expectPending(t *testing.T, r *rig, target image.Target, analyzed, pointsTo image.Digest, since time.Time) {
	t.Helper()
	state := view(r, target).State
	if state.Analyzed != analyzed || state.Resolved.Manifest != pointsTo || !state.Pending.Equal(since) {
		t.Errorf("analyzed %q, points to %q, pending since %s; want %q, %q and %s",
			state.Analyzed.Short(), state.Resolved.Manifest.Short(), state.Pending, analyzed.Short(), pointsTo.Short(), since)
	}
	summary, err := r.store.Summary(t.Context(), target)
	r.must(err)
	if !summary.Pending.Equal(since) {
		t.Errorf("the summary says pending since %s, want %s", summary.Pending, since)
	}
}

// lastOf is the last stored notification of a type.
func lastOf(r *rig, kind notification.Type) (last notification.Notification) {
	r.Helper()
	stored, err := r.store.Notifications(r.Context(), store.NotificationFilter{})
	r.must(err)
	for _, n := range stored {
		if n.Type == kind {
			last = n.Notification
		}
	}
	return last
}
