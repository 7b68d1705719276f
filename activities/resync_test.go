package activities_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// TestEveryTransitionReachesTheReceiver drives one tag through each kind of
// change, from the subscription to the webhook.
func TestEveryTransitionReachesTheReceiver(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*rig)
		want   []string // sorted
	}{
		{"nothing", func(*rig) {}, nil},
		{"the tag moves to a fixed image", func(r *rig) { r.push("app:1", "openssl 9", "zlib 1") },
			[]string{"analysis_update image app:1", "policy_eval image app:1", "tag_update image app:1", "vuln_update image app:1"}},
		{"the tag moves to an equal image", func(r *rig) { r.push("app:1", "openssl 1", "zlib 1", "tzdata 1") },
			[]string{"analysis_update image app:1", "tag_update image app:1"}},
		{"new data know more", func(r *rig) {
			r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.High))
			r.matcher.knows(checksum(2), "zlib 1", cve("CVE-2026-0002", vuln.Low))
			r.data(2)
		}, []string{"vuln_update feed app:1"}},
		{"new data judge more mildly", func(r *rig) {
			r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Low))
			r.data(2)
		}, []string{"policy_eval feed app:1", "vuln_update feed app:1"}},
		{"new data say the same", func(r *rig) {
			r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.High))
			r.data(2)
		}, nil},
		{"a new matcher finds less", func(r *rig) {
			r.matcher.version = "matcher 2"
			delete(r.matcher.data[checksum(1)], "openssl 1")
			r.sync(databuild.SyncRequest{})
		}, []string{"policy_eval scanner app:1"}}, // the list is notified of in a summary
		{"another bundle", func(r *rig) { r.activate("mild", "critical") }, []string{"policy_eval policy app:1"}},
		{"another bundle that comes to the same", func(r *rig) { r.activate("strict", "low") }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.endpoint("hook")
			r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
			r.data(1)
			r.activate("usual", "high")
			r.push("app:1", "openssl 1", "zlib 1")
			target := r.settled("app:1")
			do[delivery.Round](r, r.steps.Deliver, "hook")
			if diff := cmp.Diff([]string{"analysis_update image app:1"}, r.received()); diff != "" {
				t.Fatalf("the first analysis is the only news at first (-want +got):\n%s", diff)
			}
			r.receiver.Forget()
			r.clock.advance(time.Minute)
			test.change(r)
			r.resync(target)
			r.resync(target)
			round := do[delivery.Round](r, r.steps.Deliver, "hook")
			if diff := cmp.Diff(test.want, r.received()); diff != "" {
				t.Errorf("received (-want +got):\n%s", diff)
			}
			if round.Pending != 0 {
				t.Errorf("%d deliveries are left", round.Pending)
			}
		})
	}
}

func TestTimeAloneChangesTheOutcome(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	expires := r.clock.Now().Add(48 * time.Hour)
	r.activate("usual", "high", waiver("CVE-2026-0001+openssl", expires))
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	if seen := r.resync(target); !seen.Next.Equal(expires) {
		t.Errorf("the next change is due %s, want %s", seen.Next, expires)
	}
	mark := len(r.notified())
	r.clock.advance(48*time.Hour - time.Second)
	r.resync(target)
	r.expect(mark)
	r.clock.advance(2 * time.Second)
	r.resync(target)
	r.expect(mark, "policy_eval time app:1")
}

// TestFirstDataFindWaitingTags: what was analyzed before there were any data is
// woken by the first ones, and its first list is no news.
func TestFirstDataFindWaitingTags(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	if seen := r.resync(target); seen.Changed {
		t.Error("a tag that waits for data makes every resync anew")
	}
	mark := len(r.notified())
	r.watchers.take()
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	if woken := r.watchers.take(); !slices.Contains(woken, "outdated app:1") {
		t.Errorf("woken: %v", woken)
	}
	r.resync(target)
	r.expect(mark)
	view, err := r.store.View(t.Context(), target)
	r.must(err)
	if view.State.Counts.High != 1 {
		t.Errorf("counts %+v, want one of high severity", view.State.Counts)
	}
}

// TestMoveBackIsAMove: a tag that returns to an earlier image is notified of like
// any other move, without another analysis.
func TestMoveBackIsAMove(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.data(1)
	r.push("app:1", "openssl 1")
	target := r.settled("app:1")
	r.push("app:1", "openssl 2")
	r.resync(target)
	mark := len(r.notified())
	r.push("app:1", "openssl 1")
	r.resync(target)
	r.expect(mark, "tag_update image app:1", "analysis_update image app:1")
	if len(r.analyzer.analyses) != 2 {
		t.Errorf("%d analyses of two images", len(r.analyzer.analyses))
	}
}

// TestFiftyTagsOnOneImage: one analysis, one match, a notification for each tag.
func TestFiftyTagsOnOneImage(t *testing.T) {
	t.Parallel()
	const tags = 50
	r := newRig(t)
	r.endpoint("hook")
	r.data(1)
	r.push("app:base", "openssl 1")
	for i := range tags {
		name := "v" + string(rune('0'+i/10)) + string(rune('0'+i%10))
		r.must(r.registry.Tag("app:base", name))
		r.settled("app:" + name)
	}
	if len(r.analyzer.analyses) != 1 || len(r.matcher.matched) != 1 {
		t.Errorf("%d analyses and %d matches for one image", len(r.analyzer.analyses), len(r.matcher.matched))
	}
	round := do[delivery.Round](r, r.steps.Deliver, "hook")
	if round.Delivered != tags || len(r.receiver.All()) != tags {
		t.Errorf("delivered %d, received %d, want %d", round.Delivered, len(r.receiver.All()), tags)
	}
}
