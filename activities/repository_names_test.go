package activities_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/taglist"
)

// dockerHub has the registry stand for Docker Hub.
func (r *rig) dockerHub() {
	r.Helper()
	file := filepath.Join(r.TempDir(), "registries.conf")
	r.must(os.WriteFile(file, fmt.Appendf(nil, "[[registry]]\nprefix = \"docker.io\"\nlocation = %q\ninsecure = true\n", r.registry.Host()), 0o600))
	client, err := registry.New(registry.Options{RequestsPerSecond: 1e6, File: file})
	r.must(err)
	r.steps.Registry = client
}

// whoWatches lists the active subscriptions by name, with whose they are.
func (r *rig) whoWatches() (all []string) {
	r.Helper()
	found, err := r.store.Subscriptions(r.Context(), subscription.Filter{ActiveOnly: true})
	r.must(err)
	for _, each := range found {
		by := "a person"
		if each.Repository != (image.Repository{}) {
			by = each.Repository.String()
		}
		all = append(all, fmt.Sprintf("%s %s by %s", each.Target, each.Type, by))
	}
	return all
}

// TestListingKeepsNames: a tag that is subscribed under another name of its repository
// is watched under that one alone, from the plan to its end.
func TestListingKeepsNames(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.dockerHub()
	for n := range 3 {
		r.push(fmt.Sprintf("library/nginx:%d", n), "openssl 1")
	}
	named := func(text string) image.Target {
		target, err := image.ParseTarget(text)
		r.must(err)
		return target
	}
	person := func(name string) {
		r.Helper()
		r.subscribeTo(subscription.Request{Targets: []image.Target{named(name)}, Types: []notification.Type{notification.VulnUpdate}, Unverified: true})
	}
	person("docker.io/library/nginx:1")
	person("index.docker.io/nginx:2@linux/arm64") // another platform is another target
	watched := taglist.Repository{Name: named("docker.io/nginx").Reference.Repository, Types: []notification.Type{notification.TagUpdate}, List: time.Hour}
	keeps := []taglist.Namesake{{Target: named("docker.io/nginx:1"), As: named("docker.io/library/nginx:1")}}
	if plan := do[taglist.Plan](r, r.steps.PlanRepository, watched); !slices.Equal(plan.Namesakes, keeps) || plan.Named != 1 {
		t.Errorf("plan %+v", plan)
	}
	r.must(r.store.SaveRepository(t.Context(), watched, r.clock.Now()))
	if first := r.list(watched.Name); !slices.Equal(first.Namesakes, keeps) || first.Tags != 3 {
		t.Errorf("listing %+v", first)
	}
	want := []string{"docker.io/library/nginx:1 tag_update by docker.io/nginx", "docker.io/library/nginx:1 vuln_update by a person",
		"docker.io/nginx:0 tag_update by docker.io/nginx", "docker.io/nginx:2 tag_update by docker.io/nginx",
		"index.docker.io/nginx:2@linux/arm64 vuln_update by a person"}
	if diff := cmp.Diff(want, r.whoWatches()); diff != "" {
		t.Errorf("after the first listing (-want +got)\n%s", diff)
	}

	watched.Types = append(watched.Types, notification.PolicyEval)
	r.must(r.store.SaveRepository(t.Context(), watched, r.clock.Now()))
	if renewed := r.list(watched.Name); len(renewed.Ended) > 0 {
		t.Errorf("new settings ended %v", renewed.Ended)
	}
	want = slices.Insert(want, 0, "docker.io/library/nginx:1 policy_eval by docker.io/nginx")
	want = slices.Insert(want, 3, "docker.io/nginx:0 policy_eval by docker.io/nginx")
	want = slices.Insert(want, 5, "docker.io/nginx:2 policy_eval by docker.io/nginx")
	if diff := cmp.Diff(want, r.whoWatches()); diff != "" {
		t.Errorf("with new settings (-want +got)\n%s", diff)
	}

	person("registry-1.docker.io/library/nginx:3")
	r.push("library/nginx:3", "openssl 1")
	r.must(r.registry.Delete(t.Context(), "library/nginx:1"))
	next := r.list(watched.Name)
	if !slices.Equal(next.New, []string{"3"}) || !slices.Equal(next.Ended, []image.Target{named("docker.io/library/nginx:1")}) ||
		!slices.Equal(next.Namesakes, []taglist.Namesake{{Target: named("docker.io/nginx:3"), As: named("registry-1.docker.io/library/nginx:3")}}) {
		t.Errorf("listing %+v", next)
	}
	want = append([]string{"docker.io/library/nginx:1 vuln_update by a person"}, want[3:]...)
	want = append(want, "registry-1.docker.io/library/nginx:3 policy_eval by docker.io/nginx", "registry-1.docker.io/library/nginx:3 tag_update by docker.io/nginx",
		"registry-1.docker.io/library/nginx:3 vuln_update by a person")
	if diff := cmp.Diff(want, r.whoWatches()); diff != "" {
		t.Errorf("after one tag came and one went (-want +got)\n%s", diff)
	}
}
