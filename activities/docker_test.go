package activities_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/condition"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/source"
	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/engine"
)

// dockerRig follows a real engine through a link.
type dockerRig struct {
	*streamRig
	engine *engine.Engine
	link   *lab.Link
}

// newDocker has the services web and api of a Compose project, each with a container, which
// run on while the engine is away.
func newDocker(t *testing.T) *dockerRig {
	t.Helper()
	r := &dockerRig{engine: engine.Start(t, `{"live-restore": true}`), streamRig: newStreamRig(t)}
	for tag := range r.digests {
		built, err := lab.NewImage(lab.Lasting, lab.Copy("/", lab.Text("/tag", tag)))
		r.must(err)
		digest, err := r.registry.Push(tag, built)
		r.must(err)
		r.digests[tag] = image.Digest(digest.String())
		r.engine.Pull(r.registry.Reference(tag))
	}
	r.deploy("web", "app:1", 1)
	r.deploy("api", "app:3", 1)
	var err error
	r.link, err = lab.NewLink("unix", r.engine.Socket())
	r.must(err)
	t.Cleanup(func() { _ = r.link.Close() })
	r.followSource(source.Docker, "tcp://"+r.link.Host())
	return r
}

// deploy has a service consist of that many new containers.
func (r *dockerRig) deploy(service, tag string, count int) {
	r.Helper()
	for i := range 3 {
		name := fmt.Sprintf("shop-%s-%d", service, i)
		if r.engine.Has(name) {
			r.engine.Remove(name)
		}
		if i < count {
			r.engine.Container(name, r.registry.Reference(tag), map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": service})
		}
	}
}

// fails holds that a source which cannot be read ends nothing.
func (r *dockerRig) fails(what string) {
	r.Helper()
	for range 3 {
		if got := r.read(); got.Problem == nil || got.Tags != 2 || len(got.Added)+len(got.Ended) > 0 {
			r.Errorf("%s: %+v", what, got)
		}
	}
}

// TestStreamsOfDockerEngine is TestStreams with a real engine, which is killed and cut off.
func TestStreamsOfDockerEngine(t *testing.T) {
	r := newDocker(t)
	if got := r.woken(); got.Tags != 2 || got.Problem != nil {
		t.Fatalf("first listing %+v", got)
	}
	r.runs("app:1", 1)
	r.deploy("web", "app:1", 3)
	r.runs("app:1", 3)
	r.deploy("web", "app:2", 2)
	r.settles("another image", "app:2", "app:3")
	r.runs("app:2", 2)

	r.engine.Kill()
	r.await()
	r.fails("an engine that was killed")
	r.engine.Run()
	r.deploy("new", "app:1", 1)
	r.settles("it is back", "app:1", "app:2", "app:3")
	r.runs("app:2", 2)

	r.link.Cut()
	r.deploy("new", "app:1", 0)
	r.settles("the stream broke", "app:2", "app:3")

	r.link.Set(lab.Weather{Loss: 1, Random: rand.New(rand.NewPCG(1, 1))})
	r.link.Cut()
	r.await()
	r.deploy("web", "app:1", 1)
	r.fails("an engine that is cut off")
	r.link.Set(lab.Weather{})
	r.settles("it is reached again", "app:1", "app:3")
	r.runs("app:1", 1)

	r.deploy("web", "app:1", 0)
	r.deploy("api", "app:3", 0)
	r.engine.Until("everything gone at once waits to be confirmed", func() bool {
		got := r.read()
		if got.Tags != 2 {
			t.Errorf("everything gone at once: %+v", got)
		}
		return got.Problem != nil && got.Problem.Stage == condition.StageConfirm
	})
	r.fails("everything gone at once")
	for _, line := range r.notified() {
		if !strings.HasPrefix(line, "system.source.") {
			t.Errorf("notified of %s, want nothing: no tag has moved", line)
		}
	}
}
