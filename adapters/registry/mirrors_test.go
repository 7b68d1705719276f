package registry_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// mirrored is a client of an upstream with a mirror, which keeps everything
// below cache/.
func mirrored(t *testing.T, upstream, mirror, pull string) *registry.Registry {
	t.Helper()
	content := fmt.Sprintf("[[registry]]\nlocation = %q\n[[registry.mirror]]\nlocation = %q\n", upstream, mirror)
	if pull != "" {
		content += fmt.Sprintf("pull-from-mirror = %q\n", pull)
	}
	return newClient(t, registry.Options{File: writeFile(t, filepath.Join(t.TempDir(), "registries.conf"), []byte(content))})
}

// pullAll reads an image to the last byte.
func pullAll(t *testing.T, client *registry.Registry, repository image.Repository, digest image.Digest) error {
	t.Helper()
	pulled := client.Image(repository, digest)
	raw, err := pulled.Manifest(t.Context())
	if err != nil {
		return err
	}
	if _, err = pulled.Config(t.Context()); err != nil {
		return err
	}
	for _, layer := range layersOf(t, raw) {
		body, err := pulled.Layer(t.Context(), layer)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, body)
		if err := errors.Join(err, body.Close()); err != nil {
			return err
		}
	}
	return nil
}

func content(_ *testing.T, text string) lab.Part { return lab.Copy("/app", lab.Text("/app", text)) }

// Who is asked for what, and whose word counts where a mirror lags behind.
func TestMirrorIsAskedForWhatItIsGoodFor(t *testing.T) {
	for _, test := range []struct {
		pull         string
		tags, pulled bool // from the mirror
	}{
		{"", false, true}, {"digest-only", false, true}, {"tag-only", true, false}, {"all", true, true},
	} {
		t.Run("pull-from-mirror="+test.pull, func(t *testing.T) {
			upstream, mirror := startLab(t), startLab(t)
			old, fresh := build(t, content(t, "old")), build(t, content(t, "new"))
			stale := push(t, mirror, "cache/app:1", old)
			push(t, upstream, "app:2", old)
			current := push(t, upstream, "app:1", fresh)
			client := mirrored(t, upstream.Host(), mirror.Host()+"/cache", test.pull)
			ref := reference(t, upstream.Reference("app:1"))
			want := current
			if test.tags {
				want = stale
			}
			for range 3 {
				if got, err := client.Head(t.Context(), ref); err != nil || got != want {
					t.Fatalf("Head = %s, %v; want %s", got, err, want)
				}
			}
			upstream.Forget()
			if err := pullAll(t, client, ref.Repository, stale); err != nil {
				t.Fatal(err)
			}
			if fromUpstream := upstream.Count(lab.Call{Kind: lab.KindBlob}) > 0; fromUpstream == test.pulled {
				t.Errorf("pulled from the upstream: %t", fromUpstream)
			}
			// What the mirror lacks comes from the upstream.
			if err := pullAll(t, client, ref.Repository, current); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMirrorThatFailsIsPassedOver(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault *lab.Fault // nil: the mirror is gone
	}{
		{"gone", nil},
		{"errors", &lab.Fault{Status: http.StatusInternalServerError}},
		{"over its limit", &lab.Fault{Path: "/v2/cache", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}}},
		{"denied", &lab.Fault{Path: "/v2/cache", Status: http.StatusForbidden}},
		{"does not know it", &lab.Fault{Path: "/v2/cache", Status: http.StatusNotFound}},
		{"no registry, 404", &lab.Fault{Status: http.StatusNotFound}},
		{"no registry, a page", &lab.Fault{Status: http.StatusOK, Body: "<html>Log in</html>"}},
		{"no registry, a page at /v2/ alone", &lab.Fault{When: func(r *http.Request) bool { return r.URL.Path == "/v2/" }, Status: http.StatusOK, Body: "<html>Log in</html>"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			upstream, mirror := startLab(t), startLab(t)
			built := build(t, content(t, "x"))
			digest := push(t, upstream, "app:1", built)
			push(t, mirror, "cache/app:1", built)
			if test.fault == nil {
				if err := mirror.Pause(); err != nil {
					t.Fatal(err)
				}
			} else {
				mirror.Fail(*test.fault)
			}
			client := mirrored(t, upstream.Host(), mirror.Host()+"/cache", "")
			if err := readsAll1(t, client, upstream.Host(), digest); err != nil {
				t.Error(err)
			}
		})
	}
}

// A mirror that decides about tags and is no registry decides nothing: the tag is
// neither gone nor another one.
func TestMirrorThatIsNoRegistry(t *testing.T) {
	for name, fault := range map[string]lab.Fault{
		"404": {Status: http.StatusNotFound}, "page": {Status: http.StatusOK, Body: "<html>Log in</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			upstream, mirror := startLab(t), startLab(t)
			push(t, upstream, "app:1", build(t, content(t, "x")))
			mirror.Fail(fault)
			_, err := mirrored(t, upstream.Host(), mirror.Host()+"/cache", "all").Head(t.Context(), reference(t, upstream.Reference("app:1")))
			if !errors.Is(err, errkind.Unavailable) || errkind.Permanent(err) || !strings.Contains(err.Error(), mirror.Host()) {
				t.Errorf("error = %v, want that %s is unavailable", err, mirror.Host())
			}
		})
	}
}

func readsAll1(t *testing.T, client *registry.Registry, host string, digest image.Digest) error {
	t.Helper()
	ref := reference(t, host+"/app:1")
	if got, err := client.Head(t.Context(), ref); err != nil || got != digest {
		return fmt.Errorf("Head = %s: %w", got, err)
	}
	return pullAll(t, client, ref.Repository, digest)
}

// A mirror that answers for tags has the last word on them: while it is out of
// reach nothing is known, rather than something that it will take back.
func TestTagsDoNotMoveBackAndForth(t *testing.T) {
	upstream, mirror := startLab(t), startLab(t)
	stale := push(t, mirror, "cache/app:1", build(t, content(t, "old")))
	push(t, upstream, "app:1", build(t, content(t, "new")))
	only := push(t, upstream, "app:2", build(t, content(t, "two")))
	client := mirrored(t, upstream.Host(), mirror.Host()+"/cache", "all")
	ref := reference(t, upstream.Reference("app:1"))
	for _, step := range []struct {
		name  string
		fault *lab.Fault
		want  image.Digest
		fails error
	}{
		{"answers", nil, stale, nil},
		{"fails", &lab.Fault{Status: http.StatusInternalServerError}, "", errkind.Unavailable},
		{"answers again", nil, stale, nil},
	} {
		mirror.Heal()
		if step.fault != nil {
			mirror.Fail(*step.fault)
		}
		if got, err := client.Head(t.Context(), ref); got != step.want || !errors.Is(err, step.fails) {
			t.Errorf("%s: %s, %v; want %s, %v", step.name, got, err, step.want, step.fails)
		}
	}
	if got, err := client.Head(t.Context(), reference(t, upstream.Reference("app:2"))); err != nil || got != only {
		t.Errorf("a tag that the mirror does not have: %s, %v; want %s", got, err, only)
	}
}

// A mirror with false content is found out, and not asked for it again.
func TestMirrorWithFalseContent(t *testing.T) {
	upstream := startLab(t)
	digest := push(t, upstream, "app:1", build(t, content(t, "x")))
	asked := 0
	mirror := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		fmt.Fprint(w, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{},"layers":[]}`)
	})
	client := mirrored(t, upstream.Host(), mirror, "")
	repository := reference(t, upstream.Reference("app:1")).Repository
	err := pullAll(t, client, repository, digest) // documents are verified at once, layers at their end
	if !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), "mirror "+mirror) {
		t.Errorf("error %v, want one that names the mirror", err)
	}
	before := asked
	if err := pullAll(t, client, repository, digest); err != nil || asked != before {
		t.Errorf("the next try: %v, %d more requests to the mirror", err, asked-before)
	}
}

func TestLocationTakesTheNamesPlace(t *testing.T) {
	store := startLab(t)
	digest := push(t, store, "copies/hub/library/nginx:1", build(t, content(t, "x")))
	file := writeFile(t, filepath.Join(t.TempDir(), "registries.conf"), fmt.Appendf(nil,
		"[[registry]]\nprefix = 'docker.io'\nlocation = %q\n[[registry]]\nprefix = '*.forbidden.example'\nblocked = true\n", store.Host()+"/copies/hub"))
	client := newClient(t, registry.Options{File: file})
	if got, err := client.Head(t.Context(), reference(t, "nginx:1")); err != nil || got != digest {
		t.Errorf("Head = %s, %v; want %s", got, err, digest)
	}
	if _, err := client.Head(t.Context(), reference(t, "a.forbidden.example/app:1")); !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "blocked by registry[1] of "+file) {
		t.Errorf("blocked: %v", err)
	}
}

// Distribution as a cache of another registry, which is what most mirrors are.
func TestPullThroughCache(t *testing.T) {
	program := os.Getenv("TAGWATCH_TEST_DISTRIBUTION")
	if program == "" {
		return
	}
	upstream, digest := startDistribution(t, offer{})
	cache := must(lab.StartDistribution(program, t.TempDir(), lab.DistributionOptions{PullThrough: "http://" + upstream}))(t)
	t.Cleanup(func() { _ = cache.Close() })
	for _, pull := range []string{"", "all"} {
		if err := readsAll(t, mirrored(t, upstream, cache.Host(), pull), upstream, digest); err != nil {
			t.Errorf("pull-from-mirror=%s: %v", pull, err)
		}
	}
}
