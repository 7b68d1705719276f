package e2e_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/lab"
)

// TestManyReferences: of 300 references, 299 are subscribed to and the other one is
// named.
func TestManyReferences(t *testing.T) {
	t.Parallel()
	i := install(t)
	references := []string{i.push("shop/api:1", lab.Debian(lab.Bookworm()...))}
	for n := 2; n <= 300; n++ {
		if n != 150 {
			must(t, i.registry.Tag("shop/api:1", fmt.Sprint(n)))
		}
		references = append(references, fmt.Sprintf("%s/shop/api:%d", i.registry.Host(), n))
	}
	result := made(i.Run(t.Context(), append([]string{"subscribe", "--type", "tag_update"}, references...)...))(t)
	if result.Code != 1 || !strings.Contains(result.Err, references[149]) || !strings.Contains(result.Err, "299 done, 1 failed") || strings.Count(result.Err, "tagwatch: ") != 1 {
		t.Errorf("exit code %d: %s", result.Code, result.Err)
	}
	if watched := strings.Fields(i.do("subscriptions", "-q")); len(watched) != 299 {
		t.Errorf("%d subscriptions, want 299", len(watched))
	}
}

// TestReferencesWithADigest: an image is watched under its digest, and a tag with a
// pin says when it has left it.
func TestReferencesWithADigest(t *testing.T) {
	t.Parallel()
	i := install(t)
	tag := i.push("shop/api:1", lab.Debian(lab.Bookworm()...))
	digest := made(made(lab.NewImage(lab.Debian(lab.Bookworm()...)))(t).Digest())(t).String()
	image := i.registry.Host() + "/shop/api@" + digest
	if said := i.do("subscribe", "--wait", image, tag+"@"+digest); !strings.Contains(said, image+" is watched") || !strings.Contains(said, tag+" is watched") {
		t.Errorf("subscribe says %s", said)
	}
	i.notified(2)
	if said := i.do("status", tag); !strings.Contains(said, digest) || strings.Contains(said, "has left") {
		t.Errorf("the tag points to its pin: %s", said)
	}
	i.push("shop/api:1", lab.Debian(lab.Bookworm(lab.Deb{Name: "curl", Version: "7.88.1-10"})...))
	i.do("rescan", tag, image)
	var moved string
	for id, n := range i.notified(4) {
		if n.Kind != "tag_update" {
			continue
		}
		if moved = id; n.Data.Payload.Key != tag {
			t.Errorf("tag_update of %s", n.Data.Payload.Key)
		}
	}
	if said := i.do("explain", moved); !strings.Contains(said, "the tag left its pin "+digest) {
		t.Errorf("explain says %s", said)
	}
	if said := i.do("status", tag); !strings.Contains(said, digest+", which the tag has left") {
		t.Errorf("status says %s", said)
	}
	if page := i.page("/tag?name=" + url.QueryEscape(tag)); !strings.Contains(page, digest+"</code>, which the tag has left") {
		t.Error("the page does not say that the tag has left its pin")
	}
	if said := i.do("status", image); !strings.Contains(said, "Image") || strings.Contains(said, "has left") || strings.Contains(said, "Problem") {
		t.Errorf("status of the image says %s", said)
	}
	if result := made(i.Run(t.Context(), "subscribe", tag+"@"+digest))(t); result.Code != 0 || !strings.Contains(result.Err, "has left its pin "+digest) {
		t.Errorf("subscribe says %s", result.Err)
	}
}

// TestNamesOfOneTag: a tag is subscribed to under one of its names.
func TestNamesOfOneTag(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.do("subscribe", "--no-verify", "docker.io/library/nginx:1")
	result := made(i.Run(t.Context(), "subscribe", "--no-verify", "--type", "tag_update", "nginx:1", "Index.Docker.IO/nginx:1"))(t)
	if result.Code != 0 || strings.Count(result.Err, "is already subscribed as docker.io/library/nginx:1") != 2 {
		t.Errorf("exit code %d: %s", result.Code, result.Err)
	}
	if watched := i.do("status", "-q"); strings.TrimSpace(watched) != "docker.io/library/nginx:1" {
		t.Errorf("watched: %s", watched)
	}
	i.do("repository", "watch", "--no-verify", "docker.io/library/redis")
	if said := i.do("repository", "unwatch", "redis"); !strings.Contains(said, "docker.io/library/redis") {
		t.Errorf("unwatch says %s", said)
	}
	i.do("unsubscribe", "nginx:1")
	if watched := i.do("status", "-q"); strings.TrimSpace(watched) != "" {
		t.Errorf("still watched: %s", watched)
	}
}

// TestRepositoryKeepsNames: a watched repository says which of its tags are subscribed
// under another name, and leaves them that.
func TestRepositoryKeepsNames(t *testing.T) {
	t.Parallel()
	hub := made(lab.NewRegistry())(t)
	t.Cleanup(func() { must(t, hub.Close()) })
	for _, tag := range []string{"1", "2"} {
		made(hub.Push("library/nginx:"+tag, made(lab.NewImage(lab.Debian(lab.Bookworm()...)))(t)))(t)
	}
	file := filepath.Join(t.TempDir(), "registries.conf")
	must(t, os.WriteFile(file, fmt.Appendf(nil, "[[registry]]\nprefix = \"docker.io\"\nlocation = %q\ninsecure = true\n", hub.Host()), 0o600))
	i := install(t, "TAGWATCH_REGISTRIES_FILE="+file)
	i.do("subscribe", "docker.io/library/nginx:1")
	for _, options := range [][]string{{"--dry-run"}, nil} {
		result := made(i.Run(t.Context(), append([]string{"repository", "watch", "nginx"}, options...)...))(t)
		if result.Code != 0 || !strings.Contains(result.Err, "docker.io/nginx:1 is already subscribed as docker.io/library/nginx:1 and keeps that name") {
			t.Errorf("exit code %d: %s", result.Code, result.Err)
		}
	}
	i.eventually("the repository's tags are watched", func() bool {
		return strings.Join(strings.Fields(i.do("status", "-q")), " ") == "docker.io/library/nginx:1 docker.io/nginx:2"
	})
}
