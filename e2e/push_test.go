package e2e_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/lab"
	"github.com/tagwatch/tagwatch/lab/stack"
)

const pushSecret = "a-secret-between-registry-and-worker"

// pushing is an installation that checks tags once an hour, and a Distribution
// registry that tells it of pushes.
type pushing struct {
	*installation
	registry *lab.Distribution
}

func installPushing(t *testing.T) *pushing {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	sources := filepath.Join(dir, "push.yaml")
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte(pushSecret+"\n"), 0o600))
	must(t, os.WriteFile(sources, []byte("sources:\n- {name: lab, kind: distribution, secret: 'file:"+dir+"/secret'}\n"), 0o600))
	i := install(t, "TAGWATCH_POLL=1h", "TAGWATCH_PUSH_ADDRESS="+address, "TAGWATCH_PUSH_SOURCES="+sources)
	registry := made(lab.StartDistribution(distribution(t), dir, lab.DistributionOptions{
		Events: lab.EventSink{URL: "http://" + address + "/push/lab", Authorization: "Bearer " + pushSecret}}))(t)
	t.Cleanup(func() { must(t, registry.Close()) })
	return &pushing{installation: i, registry: registry}
}

// distribution is the program of the registry.
func distribution(t *testing.T) string {
	t.Helper()
	if program := os.Getenv("TAGWATCH_TEST_DISTRIBUTION"); program != "" {
		return program
	}
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Fatalf("Distribution is not installed: apt-get install docker-registry: %v", err)
	}
	return program
}

func freeAddress(t *testing.T) string {
	t.Helper()
	return "127.0.0.1:" + made(stack.FreePorts(1))(t)[0]
}

// moved waits for the nth tag_update and returns how long that took.
func (p *pushing) moved(n int) time.Duration {
	p.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for seen := 1; ; seen++ {
		hooks, err := p.receiver.WaitFor(ctx, seen)
		if kinds(byID(p.t, hooks))["tag_update"] >= n {
			return time.Since(began)
		}
		must(p.t, err)
	}
}

// TestPushReceived: with an hour between two checks, a push to a real registry is
// notified when the registry says so.
func TestPushReceived(t *testing.T) {
	t.Parallel()
	p := installPushing(t)
	first, second := p.image("first"), p.image("second")
	reference := made(p.registry.Push("shop/api:1.0", first))(t)
	p.do("subscribe", "--wait", reference)
	made(p.registry.Push("shop/api:1.0", second))(t)
	t.Logf("a new image: %s from the end of the push to the webhook, its analysis included", p.moved(1))
	for n := range 4 {
		made(p.registry.Push("shop/api:1.0", []v1.Image{first, second}[n%2]))(t)
		t.Logf("a known image: %s from the end of the push to the webhook", p.moved(n+2))
	}
	// The same is for people to see.
	page := p.page("tag?name=" + url.QueryEscape(reference))
	if !strings.Contains(page, "moved from") || !strings.Contains(page, "receiver: delivered") {
		t.Errorf("the status page does not tell of it:\n%s", page)
	}
}

// TestPushNewTag: a push of a new tag to a watched repository is notified as such,
// long before the next listing.
func TestPushNewTag(t *testing.T) {
	t.Parallel()
	p := installPushing(t)
	reference := made(p.registry.Push("shop/web:1", p.image("one")))(t)
	repository := strings.TrimSuffix(reference, ":1")
	p.do("repository", "watch", repository)
	p.eventually("the first tag is watched", func() bool { return strings.Contains(p.do("status"), reference) })
	made(p.registry.Push("shop/web:2", p.image("two")))(t)
	p.eventually("the new tag is watched", func() bool { return strings.Contains(p.do("status"), repository+":2") })
	p.eventually("the new tag is notified", func() bool {
		return strings.Contains(p.do("notifications"), "repo_update")
	})
}

// page reads a page of the status page.
func (p *pushing) page(path string) string {
	p.t.Helper()
	answer := made(http.Get(p.Page() + path))(p.t)
	defer answer.Body.Close()
	return string(made(io.ReadAll(answer.Body))(p.t))
}

func (p *pushing) image(text string) v1.Image {
	p.t.Helper()
	return made(lab.NewImage(lab.Copy("/", lab.Text("/name", text))))(p.t)
}
