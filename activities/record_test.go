package activities_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/analysis"
	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// record is the last step of a resync alone.
func record(r *rig, target image.Target, digest image.Digest) (watch.Recorded, error) {
	r.Helper()
	return try[watch.Recorded](r, r.steps.Record, watch.RecordRequest{Target: target, Resolved: image.Resolved{Manifest: digest}})
}

// ready makes everything of a resync but its record.
func (r *rig) ready(repositoryAndTag string) (image.Target, image.Digest) {
	r.Helper()
	target := r.target(repositoryAndTag)
	seen := do[watch.Observation](r, r.steps.Observe, target)
	digest := seen.Resolved.Manifest
	if !seen.Analyzed {
		do[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: target, Digest: digest})
	}
	do[any](r, r.steps.Match, digest)
	return target, digest
}

func TestRecordTwiceNotifiesOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.data(1)
	r.push("app:1", "openssl 1")
	r.settled("app:1")
	r.push("app:1", "openssl 2")
	target, digest := r.ready("app:1")
	for range 3 {
		_, err := record(r, target, digest)
		r.must(err)
	}
	r.expect(1, "tag_update image app:1", "analysis_update image app:1")
}

// TestNotificationsKeepTheTrace of the step that found what they are about.
func TestNotificationsKeepTheTrace(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r.steps.Trace = func(context.Context) string { return trace }
	r.data(1)
	r.push("app:1", "openssl 1")
	r.subscribe(r.target("app:1"))
	target, digest := r.ready("app:1")
	_, err := record(r, target, digest)
	r.must(err)
	stored, err := r.store.Notifications(r.Context(), store.NotificationFilter{})
	r.must(err)
	if len(stored) != 1 || stored[0].Trace != trace {
		t.Errorf("stored %+v, want one notification with the trace", stored)
	}
}

// TestRecordKeepsWhatIsNotNotified with its reason, and nothing of a pass that finds no
// difference.
func TestRecordKeepsWhatIsNotNotified(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.endpoint("policies", notification.PolicyEval)
	r.data(1)
	r.push("app:1", "openssl 1")
	r.settled("app:1")
	r.clock.advance(time.Minute)
	since := r.clock.Now()
	r.push("app:1", "openssl 2")
	target, digest := r.ready("app:1")
	for range 2 {
		_, err := record(r, target, digest)
		r.must(err)
		r.clock.advance(time.Minute)
	}
	kept, err := r.store.Suppressions(r.Context(), target.String(), since)
	r.must(err)
	want := []store.StoredSuppression{
		{At: since, Suppression: notification.Suppression{Type: notification.TagUpdate, Endpoint: "policies", Reason: notification.OtherType}},
		{At: since, Suppression: notification.Suppression{Type: notification.AnalysisUpdate, Endpoint: "policies", Reason: notification.OtherType}},
	}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestEndpointsOfALostAnswerAreNamed: deliveries that were stored by a run whose
// answer was lost are known to the next run, which itself has nothing to tell.
func TestEndpointsOfALostAnswerAreNamed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.endpoint("hook")
	r.data(1)
	r.push("app:1", "openssl 1")
	r.subscribe(r.target("app:1"))
	target, digest := r.ready("app:1")
	recorded := answerLost[watch.Recorded](r, "Record", watch.RecordRequest{Target: target, Resolved: image.Resolved{Manifest: digest}})
	if !slices.Equal(recorded.Endpoints, []string{"hook"}) {
		t.Errorf("endpoints to wake: %v", recorded.Endpoints)
	}
	r.expect(0, "analysis_update image app:1")
}

func TestSubscriptionEndsDuringTheResync(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(r *rig, unsubscribe func())
	}{
		{"before the record", func(_ *rig, unsubscribe func()) { unsubscribe() }},
		{"during the evaluation", func(r *rig, unsubscribe func()) { r.interrupt(unsubscribe) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.endpoint("hook")
			r.data(1)
			r.push("app:1", "openssl 1")
			r.subscribe(r.target("app:1"))
			target, digest := r.ready("app:1")
			test.end(r, func() { r.unsubscribe(target) })
			recorded, err := record(r, target, digest)
			r.must(err)
			if len(recorded.Notifications)+len(recorded.Endpoints) > 0 {
				t.Errorf("recorded %+v", recorded)
			}
			r.expect(0)
			if view(r, target).Watched {
				t.Error("the record has brought the target back")
			}
		})
	}
}

// TestSubscribedAnewDuringTheResync: what the former subscription knew is not
// compared with; the new one begins in silence.
func TestSubscribedAnewDuringTheResync(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.push("app:1", "openssl 1")
	r.settled("app:1")
	r.push("app:1", "openssl 2")
	target, digest := r.ready("app:1")
	r.interrupt(func() {
		r.unsubscribe(target)
		r.subscribe(target)
	})
	_, err := record(r, target, digest)
	expectFault(t, err, errkind.Conflict, true)
	_, err = record(r, target, digest)
	r.must(err)
	r.expect(1, "analysis_update image app:1")
}

// TestStoreChangesDuringTheEvaluation: an outcome of what is not current any
// more is made anew, not recorded.
func TestStoreChangesDuringTheEvaluation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*rig)
		sent   []string // by the change itself
		want   []string
	}{
		{"another build", func(r *rig) {
			r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0002", vuln.Low))
			r.data(2)
		}, []string{"vuln_update feed app:1"}, []string{"vuln_update feed app:1"}},
		{"another bundle", func(r *rig) { r.activate("mild", "critical") }, nil, []string{"policy_eval policy app:1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
			r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.High))
			r.data(1)
			r.activate("usual", "high")
			digest := r.push("app:1", "openssl 1")
			target := r.settled("app:1")
			mark := len(r.notified())
			r.interrupt(func() { test.change(r) })
			_, err := record(r, target, digest)
			expectFault(t, err, errkind.Conflict, true)
			r.expect(mark, test.sent...)
			_, err = record(r, target, digest)
			r.must(err)
			r.expect(mark, test.want...)
		})
	}
}

// TestMatcherChangesBetweenMatchAndRecord: the image lost its list after the
// step that made it. What is notified then and later has the right cause.
func TestMatcherChangesBetweenMatchAndRecord(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		recorder vuln.Matcher // of the worker that records
		at, next []string     // notified by this resync, and by the next
	}{
		{"recorded by a worker with the new one", "matcher 2",
			[]string{"tag_update image app:1", "analysis_update image app:1", "vuln_update image app:1"}, nil},
		{"recorded by a worker with the old one", "matcher 1",
			[]string{"tag_update image app:1"}, []string{"analysis_update image app:1", "vuln_update image app:1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.matcher.knows(checksum(1), "openssl 2", cve("CVE-2026-0001", vuln.High))
			r.data(1)
			r.push("app:1", "openssl 1")
			r.settled("app:1")
			r.push("app:1", "openssl 2")
			target, digest := r.ready("app:1")
			mark := len(r.notified())
			r.matcher.version = "matcher 2"
			r.sync(databuild.SyncRequest{})
			r.matcher.version = test.recorder
			_, err := record(r, target, digest)
			r.must(err)
			r.expect(mark, test.at...)
			r.matcher.version = "matcher 2"
			r.resync(target)
			r.expect(mark+len(test.at), test.next...)
		})
	}
}

// TestImageThatCannotBeAnalyzed: the tag's move is notified, and its last good image
// goes on meeting new data.
func TestImageThatCannotBeAnalyzed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	good := r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	mark := len(r.notified())
	r.analyzer.failures[r.push("app:1", "openssl broken")] = errkind.Limit
	r.resync(target)
	r.expect(mark, "tag_update image app:1", "user.image.analysis.failed app:1")
	r.clock.advance(time.Hour)
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(2)
	r.resync(target)
	r.expect(mark+2, "vuln_update feed app:1")
	state := view(r, target).State
	if state.Analyzed != good || state.Problem == nil || state.Problem.Stage != condition.StageAnalyze {
		t.Errorf("state: analyzed %s, problem %+v", state.Analyzed, state.Problem)
	}
}

// TestLastGoodImageMeetsANewMatcher: also one that no later step would match,
// because the tag points to an image that cannot be analyzed.
func TestLastGoodImageMeetsANewMatcher(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	r.analyzer.failures[r.push("app:1", "openssl broken")] = errkind.Invalid
	r.resync(target)
	mark := len(r.notified())
	r.matcher.version = "matcher 2"
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.sync(databuild.SyncRequest{})
	r.resync(target)
	r.expect(mark, "vuln_update scanner app:1")
}

// TestImageThatCannotBeMatched: its tag's move is notified; a part of a list is not
// the list.
func TestImageThatCannotBeMatched(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	mark := len(r.notified())
	r.matcher.broken["zlib ?"] = true
	digest := r.push("app:1", "openssl 2", "zlib ?")
	do[watch.Observation](r, r.steps.Observe, target)
	do[analysis.Result](r, r.steps.Analyze, analysis.Request{Target: target, Digest: digest})
	_, err := try[any](r, r.steps.Match, digest)
	expectFault(t, err, errkind.Invalid, false)
	problem := &condition.Problem{Kind: errkind.Name(errkind.Invalid), Stage: condition.StageMatch, Message: err.Error(), Since: r.clock.Now()}
	do[watch.Recorded](r, r.steps.Record, watch.RecordRequest{Target: target, Resolved: image.Resolved{Manifest: digest}, Problem: problem})
	r.expect(mark, "tag_update image app:1")
	state := view(r, target).State
	if diff := cmp.Diff(problem, state.Problem); diff != "" {
		t.Errorf("problem (-want +got):\n%s", diff)
	}
	if state.Counts.High != 1 {
		t.Errorf("counts %+v, want those of the last list", state.Counts)
	}
}
