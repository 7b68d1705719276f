package activities_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
	"github.com/tagwatch/tagwatch/lab"
)

// TestFilterChanges: a change of the filter is no news, and a tag that is
// selected again goes on from where it was.
func TestFilterChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, tag := range []string{"app:1.0", "app:1.1", "app:2.0"} {
		r.push(tag, "openssl 1")
	}
	name := r.repository(taglist.Filter{Versions: "^1"})
	r.list(name)
	for _, tag := range []string{"app:1.0", "app:1.1"} {
		r.resync(r.target(tag))
	}
	r.repository(taglist.Filter{Versions: "^2"})
	r.list(name)
	if diff := cmp.Diff([]string{"app:2.0"}, r.subscribed()); diff != "" {
		t.Errorf("subscribed to others (-want +got):\n%s", diff)
	}
	mark := len(r.notified())
	moved := r.push("app:1.1", "openssl 2") // while it is not selected
	r.repository(taglist.Filter{Versions: ">=1"})
	r.list(name)
	for _, tag := range []string{"app:1.0", "app:1.1"} {
		r.resync(r.target(tag))
	}
	r.expect(mark, "tag_update image app:1.1")
	if view, err := r.store.View(t.Context(), r.target("app:1.1")); err != nil || view.State.Resolved.Manifest != moved {
		t.Errorf("state %+v, %v", view.State, err)
	}
}

// TestSettingsChange: they reach the tags that are watched already.
func TestSettingsChange(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.push("app:1", "openssl 1")
	name := r.repository(taglist.Filter{})
	r.list(name)
	target := r.target("app:1")
	changed := taglist.Repository{Name: name, Types: []notification.Type{notification.VulnUpdate}, Options: subscription.Options{FixableOnly: true},
		Platforms: []image.Platform{{}, {OS: "linux", Architecture: "amd64"}}, Poll: time.Minute}
	r.must(r.store.SaveRepository(t.Context(), changed, r.clock.Now()))
	r.list(name)
	subs, err := r.store.Subscriptions(t.Context(), subscription.Filter{Repository: &name, ActiveOnly: true})
	r.must(err)
	var got []string
	for _, sub := range subs {
		if !sub.Options.FixableOnly {
			t.Errorf("%s of %s has the old options", sub.Type, sub.Target)
		}
		got = append(got, short(sub.Target)+" "+string(sub.Type))
	}
	if diff := cmp.Diff([]string{"app:1 vuln_update", "app:1@linux/amd64 vuln_update"}, got); diff != "" {
		t.Errorf("subscribed (-want +got):\n%s", diff)
	}
	if view, err := r.store.View(t.Context(), target); err != nil || view.Poll != time.Minute {
		t.Errorf("poll %s, %v", view.Poll, err)
	}
	r.expect(0)
}

func TestPlanRepository(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.registry.LimitTags(2)
	for _, tag := range []string{"app:1.0", "app:1.1", "app:latest"} {
		r.push(tag, "openssl 1")
	}
	name := r.target("app:1").Reference.Repository
	asked := taglist.Repository{Name: name, Filter: taglist.Filter{Newest: 1}}
	plan := do[taglist.Plan](r, r.steps.PlanRepository, asked)
	if plan.Tags != 3 || plan.Selected != 1 || plan.Change != nil || len(plan.Groups) != 3 {
		t.Errorf("plan %+v", plan)
	}
	r.repository(taglist.Filter{})
	r.list(name)
	plan = do[taglist.Plan](r, r.steps.PlanRepository, asked)
	if diff := cmp.Diff(&taglist.PlanChange{Left: 2}, plan.Change); diff != "" {
		t.Errorf("change (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"app:1.0", "app:1.1", "app:latest"}, r.subscribed()); diff != "" {
		t.Errorf("a plan changed something (-before +after):\n%s", diff)
	}
	asked.Filter.Versions = "many"
	_, err := try[taglist.Plan](r, r.steps.PlanRepository, asked)
	expectFault(t, err, errkind.Invalid, false)
	_, err = try[taglist.Plan](r, r.steps.PlanRepository, taglist.Repository{Name: r.target("nothing:1").Reference.Repository})
	expectFault(t, err, errkind.NotFound, false)
}

// TestPlatforms follows two platforms of a tag side by side, for both kinds of
// index.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	for _, docker := range []bool{false, true} {
		t.Run(map[bool]string{false: "OCI", true: "Docker"}[docker], func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var parts []lab.Part
			if docker {
				parts = append(parts, lab.Docker)
			}
			_, first := r.index("app:1", parts, "linux/amd64 openssl 1", "linux/arm64 openssl 1a")
			amd, arm := r.target("app:1@linux/amd64"), r.target("app:1@linux/arm64")
			for _, target := range []image.Target{amd, arm} {
				r.subscribe(target, notification.TagUpdate)
				r.resync(target)
			}
			both := func() {
				r.Helper()
				r.clock.advance(time.Hour)
				r.poll()
				for _, target := range []image.Target{amd, arm} {
					r.resync(target)
				}
			}
			// Only the arm64 image changes.
			top, second := r.index("app:1", parts, "linux/amd64 openssl 1", "linux/arm64 openssl 2a")
			both()
			r.expect(0, "tag_update image app:1@linux/arm64")
			if first["linux/amd64"] != second["linux/amd64"] {
				t.Fatal("the amd64 image changed too")
			}
			for target, manifest := range map[image.Target]image.Digest{amd: second["linux/amd64"], arm: second["linux/arm64"]} {
				view, err := r.store.View(t.Context(), target)
				r.must(err)
				if diff := cmp.Diff(image.Resolved{Manifest: manifest, Index: top}, view.State.Resolved); diff != "" {
					t.Errorf("%s (-want +got):\n%s", target, diff)
				}
			}
			// The index loses arm64, then the tag is one image for amd64.
			r.index("app:1", parts, "linux/amd64 openssl 1")
			both()
			r.push("app:1", "openssl 1")
			both()
			r.index("app:1", parts, "linux/amd64 openssl 1", "linux/arm64 openssl 2a")
			both()
			var of []string
			for _, line := range r.notified()[1:] {
				if strings.HasSuffix(line, "arm64") {
					of = append(of, line)
				}
			}
			want := []string{"system.image_analysis.registry_lookup_failed app:1@linux/arm64",
				"system.image_analysis.registry_lookup_recovered app:1@linux/arm64"}
			if diff := cmp.Diff(want, of); diff != "" {
				t.Errorf("notified of arm64 (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPlatformsShareALook: one request for all platforms of a tag.
func TestPlatformsShareALook(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.index("app:1", nil, "linux/amd64 openssl 1", "linux/arm64 openssl 1a")
	r.subscribe(r.target("app:1@linux/amd64"))
	r.poll()
	r.clock.advance(time.Minute) // the second comes later
	r.subscribe(r.target("app:1@linux/arm64"))
	for range 3 {
		r.clock.advance(5 * time.Minute)
		r.registry.Forget()
		if polled := r.poll(); polled.Checked != 2 || r.heads() != 1 {
			t.Errorf("%d requests, polled %+v", r.heads(), polled)
		}
	}
}
