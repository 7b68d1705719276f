package analyzer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/adapters/analyzer"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == analyzer.ChildArgument {
		os.Exit(analyzer.ChildMain(os.Args[2:]))
	}
	if os.Getenv(workerEnv) != "" {
		playWorker()
	}
	os.Exit(m.Run())
}

// bench is an analyzer with a registry to read images from.
type bench struct {
	*analyzer.Analyzer
	registry  *lab.Registry
	directory string
}

func newBench(t testing.TB, limits analyzer.Limits) *bench {
	t.Helper()
	registry, err := lab.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	b := &bench{registry: registry, directory: t.TempDir()}
	b.open(t, analyzer.Options{Limits: limits})
	return b
}

func (b *bench) open(t testing.TB, options analyzer.Options) {
	t.Helper()
	options.Directory = b.directory
	opened, err := analyzer.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	b.Analyzer = opened
}

// push stores an image and returns the request to analyze it.
func (b *bench) push(t testing.TB, built v1.Image) analyzer.Request {
	t.Helper()
	hash, err := b.registry.Push("app:1", built)
	if err != nil {
		t.Fatal(err)
	}
	config, err := built.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	digest := image.Digest(hash.String())
	return analyzer.Request{
		Name:   b.registry.Host() + "/app@" + string(digest),
		Digest: digest,
		Source: source{Address: b.registry.URL() + "/v2/app/", ManifestDigest: string(digest), ConfigDigest: config.String()},
	}
}

func build(t testing.TB, parts ...lab.Part) v1.Image {
	t.Helper()
	built, err := lab.NewImage(parts...)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// leftovers are the files in the scratch space, but for the worker's own folder, its
// lock and its license scanner.
func (b *bench) leftovers(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(b.directory, "scratch", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(found, func(path string) bool { return strings.HasPrefix(filepath.Base(path), "licenses-") })
}

// source reads an image of a registry over HTTP.
type source struct{ Address, ManifestDigest, ConfigDigest string }

func (s source) Manifest(ctx context.Context) ([]byte, error) {
	return s.read(ctx, "manifests/"+s.ManifestDigest)
}

func (s source) Config(ctx context.Context) ([]byte, error) {
	return s.read(ctx, "blobs/"+s.ConfigDigest)
}

func (s source) Layer(ctx context.Context, digest image.Digest) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address+"blobs/"+string(digest), nil)
	if err != nil {
		return nil, err
	}
	return send(request)
}

func (s source) read(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Address+path, nil)
	if err != nil {
		return nil, err
	}
	body, err := send(request)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(body)
	return content, errors.Join(err, body.Close())
}

func send(request *http.Request) (io.ReadCloser, error) {
	client := http.Client{Timeout: time.Minute}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("%s: %s", request.URL, answer.Status), answer.Body.Close())
	}
	return answer.Body, nil
}
