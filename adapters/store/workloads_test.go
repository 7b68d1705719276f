package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/workload"
)

// engineLists records a listing of one deployment of a:1 that runs those images.
func engineLists(t *testing.T, s *store.Store, minute int, runs ...source.Running) source.Decision {
	t.Helper()
	return engineListsAs(t, s, "app", "", minute, runs...)
}

// engineListsAs records it for a source that knows the deployment by an origin.
func engineListsAs(t *testing.T, s *store.Store, name, origin string, minute int, runs ...source.Running) source.Decision {
	t.Helper()
	found := []source.Found{source.Refer("a:1", "deployment web", image.Platform{})}
	found[0].Workloads = []source.Workload{{Kind: "deployment", Namespace: "shop", Name: "web", Origin: origin, Running: runs}}
	var decision source.Decision
	check(t, s.RecordSource(t.Context(), name, found, func(view source.View) (_ source.Decision, err error) {
		if decision, err = source.Decide(view, found, "", at(minute)); err != nil {
			return decision, err
		}
		return decision, decision.Announce(view, subscription.Audience{Endpoints: view.Endpoints})
	}))
	return decision
}

// pointsAt records what a:1 points to.
func pointsAt(t *testing.T, s *store.Store, minute int, resolved image.Resolved) {
	t.Helper()
	check(t, s.Record(t.Context(), target(t, "a:1"), func(view watch.RecordView) (watch.Decision, error) {
		state := view.State
		state.Revision, state.Resolved, state.Analyzed, state.Changed = state.Revision+1, resolved, resolved.Manifest, at(minute)
		return watch.Decision{State: state, Made: at(minute)}, nil
	}))
}

func running(t *testing.T, s *store.Store) string {
	t.Helper()
	all, err := s.Running(t.Context(), []image.Target{target(t, "a:1")})
	check(t, err)
	r := all[target(t, "a:1")]
	if r == nil {
		return ""
	}
	return fmt.Sprintf("%d of %d, %d older, %d unknown", r.Current, r.Total, r.Older, r.Unknown)
}

// TestRunning resolves what a runtime reports, in whatever form, to images of the tag.
func TestRunning(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		check(t, s.SaveSource(t.Context(), listSource("app"), at(0)))
		old, now := image.Resolved{Manifest: digest(1), Index: digest(2)}, image.Resolved{Manifest: digest(3), Index: digest(4)}
		engineLists(t, s, 1, source.Running{Digest: old.Index, Count: 5})
		if got := running(t, s); got != "0 of 5, 0 older, 5 unknown" {
			t.Errorf("before the first check: %s", got)
		}
		pointsAt(t, s, 2, old)
		if got := running(t, s); got != "5 of 5, 0 older, 0 unknown" {
			t.Errorf("after the first check: %s", got)
		}
		pointsAt(t, s, 3, now)
		saved := inventory(digest(3), "zlib")
		check(t, s.SaveImage(t.Context(), saved, nil, "syft 1", at(3)))
		configuration := image.Digest("sha256:" + saved.ImageID)
		engineLists(t, s, 4, source.Running{Digest: old.Index, Count: 2}, source.Running{Digest: old.Manifest, Count: 1},
			source.Running{Digest: now.Index, Count: 1}, source.Running{Digest: now.Manifest, Count: 1}, source.Running{Digest: configuration, Count: 1},
			source.Running{Digest: digest(9), Count: 1}, source.Running{Count: 1})
		if got := running(t, s); got != "3 of 8, 3 older, 2 unknown" {
			t.Errorf("in the middle of a roll-out: %s", got)
		}
		engineLists(t, s, 5, source.Running{Digest: now.Index, Count: 5})
		if got := running(t, s); got != "5 of 5, 0 older, 0 unknown" {
			t.Errorf("after the roll-out: %s", got)
		}
		_, err := s.DeleteSource(t.Context(), "app", at(6))
		check(t, err)
		if got := running(t, s); got != "" {
			t.Errorf("without the source: %s", got)
		}
	})
}

// TestRunningOnce counts the containers that two sources list in one of them, and in the
// other once the first is removed.
func TestRunningOnce(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		check(t, s.SaveSource(t.Context(), listSource("app"), at(0)))
		check(t, s.SaveSource(t.Context(), listSource("also"), at(0)))
		image := image.Resolved{Manifest: digest(1)}
		five := source.Running{Digest: image.Manifest, Count: 5}
		engineListsAs(t, s, "app", "uid", 1, five)
		pointsAt(t, s, 1, image)
		engineListsAs(t, s, "also", "uid", 2, five)
		if got := running(t, s); got != "5 of 5, 0 older, 0 unknown" {
			t.Errorf("listed by two sources: %s", got)
		}
		engineListsAs(t, s, "also", "another", 3, five)
		engineListsAs(t, s, "app", "uid", 4, five)
		if got := running(t, s); got != "10 of 10, 0 older, 0 unknown" {
			t.Errorf("two workloads of one name: %s", got)
		}
		engineListsAs(t, s, "also", "uid", 5, five)
		engineListsAs(t, s, "app", "uid", 6, five)
		if got := running(t, s); got != "5 of 5, 0 older, 0 unknown" {
			t.Errorf("listed by two sources at the same time: %s", got)
		}
		_, err := s.DeleteSource(t.Context(), "also", at(7))
		check(t, err)
		engineListsAs(t, s, "app", "uid", 8, five)
		if got := running(t, s); got != "5 of 5, 0 older, 0 unknown" {
			t.Errorf("one is removed: %s", got)
		}
	})
}

// TestRunningIsKept prunes an older image only after it ceased to run, and finds it until then.
func TestRunningIsKept(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SaveSource(ctx, listSource("app"), at(0)))
		engineLists(t, s, 1, source.Running{Digest: digest(2), Count: 3})
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), at(2), "openssl")
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{ids["openssl"]: {finding("CVE-2026-0001", "openssl", vuln.High)}}, at(2)))
		pointsAt(t, s, 2, image.Resolved{Manifest: digest(1), Index: digest(2)})
		pointsAt(t, s, 3, image.Resolved{Manifest: digest(3)})
		pruned := func(minute int) bool {
			t.Helper()
			_, err := s.Prune(ctx, at(1000), at(minute))
			check(t, err)
			_, err = s.ImageHeader(ctx, digest(1))
			return err != nil
		}
		affected := func() []store.AffectedTag { return must[[]store.AffectedTag](t)(s.Affected(ctx, "CVE-2026-0001")) }
		if pruned(1001) {
			t.Error("an image that runs was pruned")
		}
		if got := affected(); len(got) != 1 || !got[0].Older || got[0].Digest != digest(1) || len(got[0].Workloads) != 1 || got[0].Workloads[0].Count != 3 {
			t.Errorf("affected: %+v, want the workload that runs the older image", got)
		}
		engineLists(t, s, 1002, source.Running{Digest: digest(3), Count: 3})
		if got := affected(); len(got) > 0 {
			t.Errorf("affected after the roll-out: %+v", got)
		}
		if !pruned(1003) {
			t.Error("an image that no longer runs stayed")
		}
	})
}

// TestRuntimeUpdate notifies who subscribed, once.
func TestRuntimeUpdate(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		app := listSource("app")
		app.Types = []notification.Type{notification.TagUpdate, notification.RuntimeUpdate}
		check(t, s.SaveSource(ctx, app, at(0)))
		check(t, s.SaveEndpoint(ctx, endpoint.Endpoint{Name: "hook", URL: "https://receiver.example.com/"}, at(0)))
		told := func(d source.Decision) (lines []string) {
			for _, n := range d.Notifications {
				lines = append(lines, n.Summary)
			}
			return lines
		}
		for _, d := range []source.Decision{engineLists(t, s, 1, source.Running{Digest: digest(2), Count: 3}), engineLists(t, s, 2, source.Running{Digest: digest(2), Count: 9})} {
			if got := told(d); len(got) > 0 {
				t.Errorf("notified of %v, want nothing", got)
			}
		}
		pointsAt(t, s, 3, image.Resolved{Manifest: digest(1), Index: digest(2)})
		pointsAt(t, s, 4, image.Resolved{Manifest: digest(3)})
		want := []string{fmt.Sprintf("docker.io/a:1: deployment shop/web starts to run %s, was %s; it is the image that the tag points to", digest(3).Short(), digest(1).Short())}
		d := engineLists(t, s, 5, source.Running{Digest: digest(1), Count: 3}, source.Running{Digest: digest(3), Count: 1})
		if diff := cmp.Diff(want, told(d)); diff != "" || len(d.Deliveries) != 1 {
			t.Errorf("%d deliveries, notified (-want +got)\n%s", len(d.Deliveries), diff)
		}
		if got := told(engineLists(t, s, 6, source.Running{Digest: digest(3), Count: 4})); len(got) > 0 {
			t.Errorf("notified again of %v", got)
		}
		stored, err := s.Notifications(ctx, store.NotificationFilter{Types: []notification.Type{notification.RuntimeUpdate}})
		check(t, err)
		if len(stored) != 1 || !strings.Contains(string(stored[0].Payload), `"age":"current"`) {
			t.Errorf("stored %+v", stored)
		}
	})
}

// TestForms: what registries say of digests is read with all that is in it, and kept for as
// long as a workload runs them.
func TestForms(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		app := listSource("app")
		app.Types = []notification.Type{notification.RuntimeUpdate}
		check(t, s.SaveSource(ctx, app, at(0)))
		engineLists(t, s, 1, source.Running{Digest: digest(1), Count: 1})
		for minute := range 2 {
			d := engineLists(t, s, 2+minute, source.Running{Digest: digest(5), Count: 1})
			if len(d.Notifications) > 0 || len(d.Questions()) != 2 {
				t.Errorf("notified of %d, asks %+v", len(d.Notifications), d.Questions())
			}
		}
		forms := workload.Forms{
			digest(1): {Kind: workload.Index, Parts: []workload.Part{{Digest: digest(2), Index: true}}},
			digest(2): {Kind: workload.Index, Parts: []workload.Part{{Digest: digest(3), Platform: image.DefaultPlatform}}},
			digest(3): {Kind: workload.Manifest, Parts: []workload.Part{{Digest: digest(5)}}},
			digest(7): {Kind: workload.Configuration},
		}
		check(t, s.SaveForms(ctx, forms, at(4)))
		if d := engineLists(t, s, 5, source.Running{Digest: digest(5), Count: 1}); len(d.Notifications)+len(d.Waiting) > 0 {
			t.Errorf("%+v for another digest of the same image", d)
		}
		_, err := s.Prune(ctx, at(10), at(11))
		check(t, err)
		view := must[source.View](t)(s.SourceView(ctx, "app", []source.Found{{Workloads: []source.Workload{{Running: []source.Running{{Digest: digest(1)}, {Digest: digest(7)}}}}}}))
		if len(view.Forms) > 0 {
			t.Errorf("forms of what no workload runs were kept: %+v", view.Forms)
		}
	})
}
