package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// TestTargetsOfReference: a reference is followed on every platform, and names
// that begin like it are others.
func TestTargetsOfReference(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		subscribe(t, s, target(t, "quay.io/app:1"), target(t, "quay.io/app:1@linux/arm64"), target(t, "quay.io/app:1@windows/amd64"),
			target(t, "quay.io/app:1.0"), target(t, "quay.io/app:1A"), target(t, "quay.io/app:1_"), target(t, "quay.io/app:10"), target(t, "quay.io/ap:1"))
		reference := repository(t, "quay.io/app").Reference("1")
		found := must[[]image.Target](t)(s.Targets(t.Context(), subscription.TargetFilter{Reference: &reference}))
		want := []image.Target{target(t, "quay.io/app:1"), target(t, "quay.io/app:1@linux/arm64"), target(t, "quay.io/app:1@windows/amd64")}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// TestTargetsOfNames: what one name of a tag or a repository selects, every other
// name selects too.
func TestTargetsOfNames(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		watched := []image.Target{target(t, "docker.io/library/nginx:2"), target(t, "docker.io/nginx:1"), target(t, "index.docker.io/library/nginx:1@linux/arm64")}
		subscribe(t, s, append(watched, target(t, "docker.io/team/nginx:1"), target(t, "quay.io/nginx:1"))...)
		for _, name := range repository(t, "docker.io/nginx").Names() {
			reference := name.Reference("1")
			if diff := cmp.Diff(watched[1:], must[[]image.Target](t)(s.Targets(t.Context(), subscription.TargetFilter{Reference: &reference}))); diff != "" {
				t.Errorf("%s (-want +got)\n%s", reference, diff)
			}
			if diff := cmp.Diff(watched, must[[]image.Target](t)(s.Targets(t.Context(), subscription.TargetFilter{Repository: &name}))); diff != "" {
				t.Errorf("%s (-want +got)\n%s", name, diff)
			}
		}
	})
}

func TestWatchedAs(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		for _, name := range []string{"registry-1.docker.io/nginx", "quay.io/app", "docker.io/team/nginx"} {
			check(t, s.SaveRepository(t.Context(), taglist.Repository{Name: repository(t, name)}, start))
		}
		for name, want := range map[string]string{"docker.io/library/nginx": "registry-1.docker.io/nginx", "registry-1.docker.io/nginx": "registry-1.docker.io/nginx",
			"quay.io:443/app": "quay.io/app", "quay.io:5000/app": "", "docker.io/nginx/app": ""} {
			var got string
			for _, each := range must[[]taglist.Repository](t)(s.WatchedAs(t.Context(), repository(t, name))) {
				got += each.Name.String()
			}
			if got != want {
				t.Errorf("%s is watched as %q, want %q", name, got, want)
			}
		}
	})
}

// TestWatchedNames: only what is watched under other names alone has another name.
func TestWatchedNames(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		subscribe(t, s, target(t, "docker.io/nginx:own"), target(t, "docker.io/nginx:both"), target(t, "docker.io/library/nginx:both"),
			target(t, "index.docker.io/nginx:1@linux/arm64"), target(t, "docker.io/library/nginx:2"), target(t, "docker.io/library/other:1"))
		for name, want := range map[string]map[image.Target]image.Target{
			"docker.io/nginx": {target(t, "docker.io/nginx:1@linux/arm64"): target(t, "index.docker.io/nginx:1@linux/arm64"),
				target(t, "docker.io/nginx:2"): target(t, "docker.io/library/nginx:2")},
			"docker.io/other": {target(t, "docker.io/other:1"): target(t, "docker.io/library/other:1")},
			"quay.io/nginx":   nil, "quay.io:5000/nginx": nil,
		} {
			got := must[map[image.Target]image.Target](t)(s.WatchedNames(t.Context(), repository(t, name)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", name, diff)
			}
		}
	})
}

func TestDueNow(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		subscribe(t, s, target(t, "quay.io/app:1"), target(t, "quay.io/app:2"), target(t, "quay.io:443/app:1"), target(t, "quay.io/other:1"))
		check(t, s.Checked(t.Context(), []polling.Check{{Target: target(t, "quay.io/app:1"), Next: at(60)},
			{Target: target(t, "quay.io/app:2"), Next: at(5)}, {Target: target(t, "quay.io/other:1"), Next: at(60)}}))
		made := must[map[string]int](t)(s.DueNow(t.Context(), repository(t, "quay.io/app"), at(10)))
		if diff := cmp.Diff(map[string]int{"quay.io": 2, "quay.io:443": 1}, made); diff != "" {
			t.Errorf("by registry (-want +got)\n%s", diff)
		}
		due := map[string]time.Time{}
		for _, check := range must[[]polling.Check](t)(s.Due(t.Context(), "quay.io", at(100), 10)) {
			due[check.Target.String()] = check.Next
		}
		want := map[string]time.Time{"quay.io/app:1": at(10), "quay.io/app:2": at(5), "quay.io/other:1": at(60)}
		if diff := cmp.Diff(want, due); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
