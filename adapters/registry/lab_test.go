package registry_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// startLab starts a real registry on the loopback interface.
func startLab(t *testing.T) *lab.Registry {
	t.Helper()
	started, err := lab.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = started.Close() })
	return started
}

func newClient(t *testing.T, options registry.Options) *registry.Registry {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir()) // never the developer's own credentials
	t.Setenv("HOME", t.TempDir())
	client, err := registry.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func push(t *testing.T, to *lab.Registry, name string, what remote.Taggable) image.Digest {
	t.Helper()
	digest, err := to.Push(name, what)
	if err != nil {
		t.Fatal(err)
	}
	return image.Digest(digest.String())
}

func build(t *testing.T, parts ...lab.Part) v1.Image {
	t.Helper()
	built, err := lab.NewImage(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func reference(t *testing.T, text string) image.Reference {
	t.Helper()
	ref, err := image.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// serve starts a registry whose every answer is made up by the test, and returns
// its host. The handler sees all requests but the handshake.
func serve(t *testing.T, handler http.HandlerFunc) (host string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			handler(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func layersOf(t *testing.T, manifest []byte) (layers []image.Digest) {
	t.Helper()
	parsed, err := v1.ParseManifest(bytes.NewReader(manifest))
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range parsed.Layers {
		layers = append(layers, image.Digest(layer.Digest.String()))
	}
	return layers
}
