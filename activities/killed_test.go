package activities_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/delivery"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/lab"
)

// TestKilledAnywhere kills the worker at every write of a long story, before the
// write and after it: whatever was lost in between, the same is notified, once, and
// received.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	want, received, writes := live(t, 0, false)
	if diff := cmp.Diff(slices.Sorted(slices.Values(lifeStory)), want); diff != "" {
		t.Fatalf("notified without any interruption (-want +got):\n%s", diff)
	}
	every := 1
	if testing.Short() { // what lies between is the same code, and one at a time
		every = 10
	}
	for at := 1; at <= writes; at += every {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("write %d after %t", at, after), func(t *testing.T) {
				t.Parallel()
				notified, arrived, _ := live(t, at, after)
				if diff := cmp.Diff(want, notified); diff != "" {
					t.Errorf("notified (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(received, arrived); diff != "" {
					t.Errorf("received (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// lifeStory is what is notified in the story.
var lifeStory = []string{
	"analysis_update image app:1",
	"system.image_analysis.registry_lookup_failed app:1",
	"system.image_analysis.registry_lookup_recovered app:1",
	"tag_update image app:1", // to the broken image
	"user.image.analysis.failed app:1",
	"tag_update image app:1", "analysis_update image app:1", "vuln_update image app:1", "policy_eval image app:1",
	"system.feeds.sync.failed vulnerabilities",
	"system.feeds.sync.recovered vulnerabilities",
	"system.feeds.sync.held " + checksum(2),
	"vuln_update feed app:1", "policy_eval feed app:1",
	"system.endpoint.failing hook",
	"system.endpoint.recovered hook",
	"repo_update image app",
	"analysis_update image app:3",
	"system.repository.list_tags_fail app",
	"system.repository.list_tags_recovered app",
	"system.repository.tags_removed app",
}

// live plays the story in a world where the worker is killed at one write. It
// returns what was notified and what the receiver got, each once, sorted, and the
// number of writes.
func live(t *testing.T, at int, after bool) (notified, received []string, writes int) {
	t.Helper()
	r := newRig(t)
	dying := &mortal{Store: r.store, at: at, after: after}
	r.steps.Store = dying
	r.endpoint("hook", notification.Types...)
	lifeOfATag(r)
	lifeOfTheFeed(r)
	lifeOfAnEndpoint(r)
	lifeOfARepository(r)
	return slices.Sorted(slices.Values(r.notified())), r.arrived(), dying.writes
}

func lifeOfATag(r *rig) {
	r.matcher.knows(checksum(1), "openssl 1", cve("CVE-2026-0001", vuln.High))
	r.data(1)
	r.activate("usual", "high")
	r.push("app:1", "openssl 1")
	app := r.settled("app:1")

	r.must(r.registry.Delete(r.Context(), "app:1"))
	r.later(app)
	r.later(app)
	r.push("app:1", "openssl 1")
	r.later(app)

	broken := r.push("app:1", "openssl broken")
	r.analyzer.failures[broken] = fmt.Errorf("no such layer: %w", errkind.Invalid)
	r.later(app)
	r.later(app)
	r.push("app:1", "openssl 9")
	r.later(app)
}

// later is a resync after a while, with its deliveries.
func (r *rig) later(target image.Target) {
	r.Helper()
	r.clock.advance(time.Hour)
	r.resync(target)
	do[delivery.Round](r, r.steps.Deliver, "hook")
}

func lifeOfTheFeed(r *rig) {
	r.feed.failure = fmt.Errorf("no route: %w", errkind.Unavailable)
	for range 2 {
		r.clock.advance(time.Hour)
		_, err := try[databuild.Fetched](r, r.steps.FetchFeed, databuild.SyncRequest{})
		if err == nil {
			r.Fatal("a source that fails is no failure")
		}
	}
	r.feed.failure = nil
	smaller := description(2)
	smaller.Providers = nil
	r.feed.offers(smaller)
	r.matcher.knows(checksum(2), "openssl 9", cve("CVE-2026-0002", vuln.Critical))
	r.sync(databuild.SyncRequest{})
	r.sync(databuild.SyncRequest{})
	r.sync(databuild.SyncRequest{Release: checksum(2)})
	r.later(r.target("app:1"))
}

func lifeOfAnEndpoint(r *rig) {
	lift := r.receiver.Fail(lab.Fault{Status: http.StatusServiceUnavailable})
	r.must(r.store.Redeliver(r.Context(), []int64{r.deliveries()[0].ID}, r.clock.Now()))
	for r.endpointState().Failures < delivery.Down {
		round := do[delivery.Round](r, r.steps.Deliver, "hook")
		r.clock.advance(max(round.Next.Sub(r.clock.Now()), 0))
	}
	lift()
	r.clock.advance(time.Hour)
	do[delivery.Round](r, r.steps.Deliver, "hook")
}

func lifeOfARepository(r *rig) {
	name := r.target("app:1").Reference.Repository
	r.must(r.store.SaveRepository(r.Context(), taglist.Repository{Name: name, Types: []notification.Type{notification.TagUpdate, notification.AnalysisUpdate}, List: time.Hour}, r.clock.Now()))
	list := func() {
		r.clock.advance(time.Hour)
		do[taglist.Listing](r, r.steps.ListTags, name)
		do[int](r, r.steps.StartWatches, name)
	}
	list()
	r.push("app:2", "tzdata 1")
	r.push("app:3", "openssl 9") // a known image
	list()
	lift := r.registry.Fail(lab.Fault{Path: "/tags/list", Status: http.StatusInternalServerError})
	list()
	list()
	lift()
	list()
	r.must(r.registry.Delete(r.Context(), "app:2"))
	list()
	do[delivery.Round](r, r.steps.Deliver, "hook")
}

// arrived lists what reached the receiver, each notification once, sorted.
func (r *rig) arrived() []string {
	r.Helper()
	seen := map[string]string{}
	for _, hook := range r.receiver.All() {
		body := r.body(hook.Body)
		line := body.Data.Type + " " + body.Data.Payload.Cause
		if known := strings.Contains(string(body.Data.Payload.LastEval), `"analysis_status":"analyzed"`); known {
			line += " of a known image"
		}
		seen[body.ID] = line
	}
	var lines []string
	for _, line := range seen {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}
