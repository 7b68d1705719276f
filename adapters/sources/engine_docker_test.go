package sources_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/engine"
)

// dockerRig is a real engine with a registry.
type dockerRig struct {
	*engine.Engine
	registry *lab.Registry
}

func newDocker(t *testing.T, settings string) *dockerRig {
	t.Helper()
	r := &dockerRig{Engine: engine.Start(t, settings)}
	var err error
	if r.registry, err = lab.NewRegistry(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.registry.Close() })
	return r
}

// push pushes an image and returns its full name and its digest.
func (r *dockerRig) push(tag, content string) (reference, digest string) {
	r.Helper()
	image, err := lab.NewImage(lab.Lasting, lab.Copy("/", lab.Text("/content", content)))
	if err != nil {
		r.Fatal(err)
	}
	hash, err := r.registry.Push(tag, image)
	if err != nil {
		r.Fatal(err)
	}
	return r.registry.Reference(tag), hash.String()
}

// read is what is found, one line for each, and what runs of it, with A, B and so on in place
// of known digests.
func (r *dockerRig) read(t *testing.T, known ...string) (lines []string) {
	t.Helper()
	reading, err := reader(t, r.Folder()).Read(t.Context(), r.source(), "")
	if err != nil {
		t.Fatal(err)
	}
	short := func(text string) string {
		for i, digest := range known {
			text = strings.ReplaceAll(text, digest, string(rune('A'+i)))
		}
		return unknown.ReplaceAllString(strings.ReplaceAll(text, r.registry.Host()+"/", ""), "?")
	}
	for _, found := range reading.Found {
		line := found.Place + ": " + found.Target.String()
		if !found.Followed() {
			line = found.Place + ": " + string(found.Reason)
		}
		var runs []string
		for _, w := range found.Workloads {
			for _, running := range w.Running {
				runs = append(runs, short(fmt.Sprintf(" [%s %s/%s %d %s]", w.Kind, w.Namespace, w.Name, running.Count, running.Digest)))
			}
		}
		slices.Sort(runs)
		lines = append(lines, short(line)+strings.Join(runs, ""))
	}
	slices.Sort(lines)
	return lines
}

// unknown is a digest that is not known by a letter.
var unknown = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

func (r *dockerRig) source() source.Source {
	return source.Source{Kind: source.Docker, Paths: []string{"unix://" + r.Socket()}}
}

// TestDockerEngineReads reads a real engine, with each of its two stores of images.
func TestDockerEngineReads(t *testing.T) {
	for name, containerd := range map[string]bool{"its own store": false, "the store of containerd": true} {
		t.Run(name, func(t *testing.T) {
			r := newDocker(t, fmt.Sprintf(`{"features": {"containerd-snapshotter": %t}}`, containerd))
			if r.ContainerdStore() != containerd {
				t.Skip("this engine cannot")
			}
			readDocker(t, r, containerd)
		})
	}
}

func readDocker(t *testing.T, r *dockerRig, containerd bool) {
	web, digest := r.push("shop/web:1", "first")
	lost, _ := r.push("shop/lost:1", "lost")
	pinned := r.registry.Reference("shop/web") + "@" + digest
	for _, each := range []string{web, lost, pinned} {
		r.Pull(each)
	}
	compose := map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
	r.Container("web-1", web, compose)
	r.Container("web-2", web, compose)
	r.Container("by-digest", pinned, nil)
	r.Container("by-both", web+"@"+digest, nil)
	r.Container("by-id", r.ID(web), nil)
	r.Container("by-short-id", strings.TrimPrefix(r.ID(web), "sha256:")[:12], nil)
	r.Container("lost", lost, nil)
	r.Untag(lost)
	r.Container("stopped", web, nil)
	r.Stop("stopped")
	r.Tag(web, "other", "9")
	r.Container("renamed", "other:9", nil)
	r.Tag(r.registry.Reference("shop/web:1"), "moving", "1")
	r.Container("moving", "moving:1", nil)
	r.Build("built", "1")
	r.Tag("built:1", "moving", "1")

	got := r.read(t, digest, r.ID(web))
	want := []string{
		"container by-both: shop/web:1 [container /by-both 1 A]",
		"container by-digest: shop/web@A [container /by-digest 1 A]",
		"container by-id: not_image",
		"container by-short-id: not_image",
		"container lost: nameless [container /lost 1 ?]",
		"container moving: built [container /moving 1 B]",
		"container renamed: built [container /renamed 1 B]",
		"container web-1: shop/web:1 [service shop/web 1 A]",
		"container web-2: shop/web:1 [service shop/web 1 A]",
	}
	if containerd { // one cannot tell what was renamed
		want[5], want[6] = "container moving: built [container /moving 1 A]", "container renamed: docker.io/other:9 [container /renamed 1 A]"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got)\n%s", diff)
	}
}

// TestDockerEngineSwarm rolls a service out, and does not take a Swarm that is locked for
// one that is gone.
func TestDockerEngineSwarm(t *testing.T) {
	r := newDocker(t, `{}`)
	r.Swarm()
	web, before := r.push("shop/web:1", "first")
	old := web + "@" + before
	r.Service("web", old, 5, 0)
	r.runs(t, 5, old, "service web: shop/web:1 [service /web 5 A]", before)
	_, after := r.push("shop/web:1", "second")
	now := web + "@" + after
	r.Service("web", now, 5, 3)
	r.runs(t, 3, now, "service web: shop/web:1 [service /web 2 A] [service /web 3 B]", before, after)
	r.Service("web", now, 5, 5)
	r.runs(t, 5, now, "service web: shop/web:1 [service /web 5 B]", before, after)
	r.Service("web", web, 5, 5) // by a client that does not ask the registry for the digest
	r.runs(t, 5, web, "service web: shop/web:1 [service /web 5 B]", before, after)

	r.Lock()
	r.Kill()
	r.Run()
	reading, err := reader(t, r.Folder()).Read(t.Context(), r.source(), "")
	if !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), "needs to be unlocked") {
		t.Errorf("of a Swarm that is locked: %v, %v", reading.Found, err)
	}
}

// runs waits until so many tasks of the service web run an image, and expects what is read.
func (r *dockerRig) runs(t *testing.T, count int, reference, want string, digests ...string) {
	t.Helper()
	r.Until(want, func() bool {
		return r.Tasks("web", reference) == count && slices.Equal(r.read(t, digests...), []string{want})
	})
}

// TestDockerEngineWatch follows the events of a real engine until it is killed.
func TestDockerEngineWatch(t *testing.T) {
	r := newDocker(t, `{}`)
	web, _ := r.push("shop/web:1", "first")
	r.Pull(web)
	w := watch(t, r.source(), r.Folder())
	w.changed("to begin with", 1)
	r.Container("web", web, nil)
	w.changed("a container is created and starts", 3)
	r.Stop("web")
	w.changed("it stops", 4)
	r.Kill()
	w.endsWith(errkind.Unavailable)
	r.Run()
	w = watch(t, r.source(), r.Folder())
	w.changed("to begin with, again", 1)
	r.Resume("web")
	w.changed("it starts again", 2)
}
