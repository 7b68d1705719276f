package e2e_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/lab"
)

// TestRepositoryIsWatchedAsAsked: a repository is planned, watched, narrowed,
// widened and left, on two platforms, as a person does it.
func TestRepositoryIsWatchedAsAsked(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.pushIndex("shop/web:1.9", "1")
	for _, tag := range []string{"1.10", "1.8", "1.11-rc1", "1.10-alpine", "latest", "main"} {
		must(t, i.registry.Tag("shop/web:1.9", tag))
	}
	repository := i.registry.Host() + "/shop/web"
	filter := []string{repository, "--semver", "^1", "--newest", "2", "--always", "latest", "--platform", "linux/amd64,linux/arm64", "--interval", "30s"}
	watch := append([]string{"repository", "watch"}, filter...)

	plan := i.do(append(watch, "--dry-run")...)
	for _, line := range []string{"3 of 7 tags would be watched", "yes      2     matches ^1", "no       1     prerelease (--prereleases)"} {
		if !strings.Contains(plan, line) {
			t.Errorf("the plan lacks %q:\n%s", line, plan)
		}
	}
	if left := i.do("repository", "list", "-o", "json"); left != "[]\n" {
		t.Errorf("a plan watches %s", left)
	}
	i.do(watch...)
	i.notified(6)
	i.watches("1.10@linux/amd64", "1.10@linux/arm64", "1.9@linux/amd64", "1.9@linux/arm64", "latest@linux/amd64", "latest@linux/arm64")

	i.pushIndex("shop/web:1.12", "2")
	i.do("repository", "update", repository) // lists at once
	i.notified(6 + 3)
	i.watches("1.10@linux/amd64", "1.10@linux/arm64", "1.12@linux/amd64", "1.12@linux/arm64", "latest@linux/amd64", "latest@linux/arm64")

	i.do("repository", "update", repository, "--newest", "1", "--always", "")
	i.watches("1.12@linux/amd64", "1.12@linux/arm64")
	i.pushIndex("shop/web:1.10", "3") // while it is not selected
	i.do("repository", "update", repository, "--newest", "3", "--platform", "linux/arm64")
	i.watches("1.10@linux/arm64", "1.12@linux/arm64", "1.9@linux/arm64")
	want := map[string]int{"analysis_update": 6 + 2 + 1, "repo_update": 1, "tag_update": 1}
	if got := kinds(i.notified(6 + 3 + 2)); !maps.Equal(got, want) {
		t.Errorf("notified %v, want %v", got, want)
	}
	i.do("repository", "unwatch", repository, "--tags")
	i.watches()
}

// pushIndex pushes an image for two platforms.
func (i *installation) pushIndex(reference, content string) {
	i.t.Helper()
	var images []v1.Image
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		images = append(images, made(lab.NewImage(lab.Platform(platform), lab.Debian(lab.Bookworm()...), lab.Run("add", lab.Text("/content", content))))(i.t))
	}
	made(i.registry.Push(reference, made(lab.NewIndex(images...))(i.t)))(i.t)
}

// watches waits until these are the tags that are watched, as tag@platform.
func (i *installation) watches(want ...string) {
	i.t.Helper()
	var got []string
	i.eventually("watched are "+strings.Join(want, " "), func() bool {
		var views []struct{ Target string }
		must(i.t, json.Unmarshal([]byte(i.do("status", "-o", "json")), &views))
		got = nil
		for _, view := range views {
			got = append(got, view.Target[strings.LastIndex(view.Target, ":")+1:])
		}
		return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
	})
}
