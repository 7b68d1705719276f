package sources_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/sources"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/source"
)

func reader(t *testing.T, paths ...string) *sources.Reader {
	t.Helper()
	r, err := sources.New(sources.Options{Paths: paths, UserAgent: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// folder has files by their paths in it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestFolders reads those files of a folder that are of the kind.
func TestFolders(t *testing.T) {
	t.Parallel()
	root := folder(t, map[string]string{
		"Dockerfile": "FROM a:1", "web/Dockerfile.prod": "FROM b:1", "web/api.Dockerfile": "FROM c:1", "web/Dockerfile.dockerignore": "*", "Containerfile": "FROM d:1",
		".git/Dockerfile": "FROM e:1", "node_modules/x/Dockerfile": "FROM f:1", "one/compose.yml": "services: {a: {image: 'g:1'}}", "two/docker-compose.yaml": "services: {a: {image: 'h:1'}}",
		"two/docker-compose.override.yml": "services: {a: {image: 'i:1'}}", "two/other.yml": "services: {a: {image: 'j:1'}}", "lists/a.txt": "k:1", "lists/b.json": `["l:1"]`, "lists/readme.md": "m:1",
	})
	for kind, test := range map[source.Kind]struct {
		path string
		want string
	}{
		source.Dockerfile: {root, "d:1 a:1 b:1 c:1"},
		source.Compose:    {root, "g:1 i:1"},
		source.File:       {filepath.Join(root, "lists"), "k:1 l:1"},
	} {
		reading, err := reader(t, root).Read(t.Context(), source.Source{Kind: kind, Paths: []string{test.path}}, "")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, found := range reading.Found {
			got = append(got, found.Text)
		}
		if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", kind, diff)
		}
	}
}

// A source reads nothing that the one who runs the worker has not allowed.
func TestReaderStaysInItsPaths(t *testing.T) {
	t.Parallel()
	inside := folder(t, map[string]string{
		"list": "a:1", "include/compose.yml": "include: [../../elsewhere/secret]", "near/compose.yml": "services: {a: {extends: {file: ../../elsewhere/x.yml, service: a}}}",
		"build/compose.yml": "services: {a: {build: {context: ../../elsewhere}}}",
	})
	outside := folder(t, map[string]string{"secret": "password: hunter2", "x.yml": "services: {a: {image: 'hunter2:1'}}", "Dockerfile": "FROM hunter2:1"})
	elsewhere := filepath.Join(filepath.Dir(inside), "elsewhere")
	if err := os.Symlink(outside, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(inside, "link")); err != nil {
		t.Fatal(err)
	}
	r := reader(t, inside)
	if _, err := r.Read(t.Context(), source.Source{Kind: source.File, Paths: []string{filepath.Join(inside, "list")}}, ""); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]source.Source{
		"another path":        {Kind: source.File, Paths: []string{filepath.Join(outside, "secret")}},
		"a way up":            {Kind: source.File, Paths: []string{inside + "/../elsewhere/secret"}},
		"a link":              {Kind: source.File, Paths: []string{filepath.Join(inside, "link")}},
		"a neighbour's name":  {Kind: source.File, Paths: []string{inside + "-2/list"}},
		"an include":          {Kind: source.Compose, Paths: []string{filepath.Join(inside, "include/compose.yml")}},
		"an extended service": {Kind: source.Compose, Paths: []string{filepath.Join(inside, "near/compose.yml")}},
		"a build context":     {Kind: source.Compose, Paths: []string{filepath.Join(inside, "build/compose.yml")}},
	} {
		reading, err := r.Read(t.Context(), s, "")
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "--source-path") {
			t.Errorf("%s: %v, %v; want an error that names the setting", name, reading, err)
		}
	}
	if _, err := reader(t).Read(t.Context(), source.Source{Kind: source.File, Paths: []string{filepath.Join(inside, "list")}}, ""); !errors.Is(err, errkind.Unauthorized) {
		t.Errorf("without any path: %v", err)
	}
}

// TestAddress reads a list from a web server, as often as it changes.
func TestAddress(t *testing.T) {
	t.Parallel()
	etag, text, status := `"1"`, "a:1\n", 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		switch {
		case status != 0:
			w.WriteHeader(status)
		case request.Header.Get("If-None-Match") == etag:
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("ETag", etag)
			_, _ = w.Write([]byte(text)) // the test fails without
		}
	}))
	defer server.Close()
	s := source.Source{Kind: source.File, Paths: []string{server.URL + "/list.txt"}}
	r := reader(t)
	read := func(version string) (source.Reading, error) { return r.Read(t.Context(), s, version) }
	first, err := read("")
	if err != nil || len(first.Found) != 1 || first.Version != etag {
		t.Fatalf("first: %+v, %v", first, err)
	}
	if again, err := read(first.Version); err != nil || !again.Unchanged || again.Version != etag {
		t.Errorf("unchanged: %+v, %v", again, err)
	}
	etag, text = `"2"`, "a:1\nb:1\n"
	if next, err := read(first.Version); err != nil || len(next.Found) != 2 || next.Unchanged {
		t.Errorf("changed: %+v, %v", next, err)
	}
	for code, kind := range map[int]error{404: errkind.NotFound, 403: errkind.Unauthorized, 500: errkind.Unavailable, 302: errkind.Unavailable, 304: errkind.Unavailable} {
		if status = code; true {
			if reading, err := read(""); !errors.Is(err, kind) {
				t.Errorf("HTTP %d: %+v, %v; want %v", code, reading, err, kind)
			}
		}
	}
	server.Close()
	if _, err := read(""); !errors.Is(err, errkind.Unavailable) {
		t.Errorf("no server: %v", err)
	}
	for _, address := range []string{"http://169.254.169.254/latest", "http://git.example.org/list"} {
		if _, err := r.Read(t.Context(), source.Source{Kind: source.File, Paths: []string{address}}, ""); !errors.Is(err, errkind.Invalid) {
			t.Errorf("%s: %v, want it refused", address, err)
		}
	}
}
