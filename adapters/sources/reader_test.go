package sources_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
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
		"fine/compose.yml":  "include: [{path: ../part.yml, env_file: ../vars}]", "vars": "SECRET=here",
		"env/compose.yml": "include: [{path: ../part.yml, env_file: ../../elsewhere/vars}]", "part.yml": "services: {a: {image: 'a:${SECRET}'}}",
		"env-list/compose.yml": "include: [{path: [../part.yml], env_file: [../../elsewhere/vars]}]",
		"env-var/compose.yml":  "include: [{path: ../part.yml, env_file: '../../elsewhere/${NAME:-none}'}]", "env-var/.env": "NAME=vars",
		"env-later/compose.yml": "services: {}\n---\ninclude: [{path: ../part.yml, env_file: ../../elsewhere/vars}]",
		"env-inner/compose.yml": "include: [../env-inner/part.txt]", "env-inner/part.txt": "include: [{path: ../part.yml, env_file: OUTSIDE/vars}]",
		"project/compose.yml":  "include: [{path: ../part.yml, project_directory: ../../elsewhere}]",
		"extended/compose.yml": "include: [{path: ../extended/part.yml, project_directory: OUTSIDE}]", "extended/part.yml": "services: {a: {extends: {file: x.yml, service: a}}}",
		"beside/compose.yml": "include: [sub/part.yml]", "beside/sub/part.yml": "services: {a: {image: 'a:${SECRET}'}}",
	})
	outside := folder(t, map[string]string{"secret": "password: hunter2", "x.yml": "services: {a: {image: 'hunter2:1'}}", "Dockerfile": "FROM hunter2:1",
		"vars": "SECRET=hunter2", ".env": "SECRET=hunter2"})
	for _, name := range []string{"extended/compose.yml", "env-inner/part.txt"} {
		text, err := os.ReadFile(filepath.Join(inside, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(inside, name), []byte(strings.ReplaceAll(string(text), "OUTSIDE", outside)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(outside, "vars"), filepath.Join(inside, "beside/sub/.env")); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(filepath.Dir(inside), "elsewhere")
	if err := os.Symlink(outside, elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(inside, "link")); err != nil {
		t.Fatal(err)
	}
	r := reader(t, inside)
	for name, s := range map[string]source.Source{"a:1": {Kind: source.File, Paths: []string{filepath.Join(inside, "list")}}, "a:here": {Kind: source.Compose, Paths: []string{filepath.Join(inside, "fine")}}} {
		if reading, err := r.Read(t.Context(), s, ""); err != nil || len(reading.Found) != 1 || reading.Found[0].Text != name {
			t.Errorf("%s: %v, %v", name, reading, err)
		}
	}
	for name, s := range map[string]source.Source{
		"another path":        {Kind: source.File, Paths: []string{filepath.Join(outside, "secret")}},
		"a way up":            {Kind: source.File, Paths: []string{inside + "/../elsewhere/secret"}},
		"a link":              {Kind: source.File, Paths: []string{filepath.Join(inside, "link")}},
		"a neighbour's name":  {Kind: source.File, Paths: []string{inside + "-2/list"}},
		"an include":          {Kind: source.Compose, Paths: []string{filepath.Join(inside, "include/compose.yml")}},
		"an extended service": {Kind: source.Compose, Paths: []string{filepath.Join(inside, "near/compose.yml")}},
		"its variables":       {Kind: source.Compose, Paths: []string{filepath.Join(inside, "env/compose.yml")}},
		"a list of them":      {Kind: source.Compose, Paths: []string{filepath.Join(inside, "env-list/compose.yml")}},
		"a variable name":     {Kind: source.Compose, Paths: []string{filepath.Join(inside, "env-var/compose.yml")}},
		"a later document":    {Kind: source.Compose, Paths: []string{filepath.Join(inside, "env-later/compose.yml")}},
		"an inner include":    {Kind: source.Compose, Paths: []string{filepath.Join(inside, "env-inner/compose.yml")}},
		"a project elsewhere": {Kind: source.Compose, Paths: []string{filepath.Join(inside, "project/compose.yml")}},
		"an absolute project": {Kind: source.Compose, Paths: []string{filepath.Join(inside, "extended/compose.yml")}},
		"a link to variables": {Kind: source.Compose, Paths: []string{filepath.Join(inside, "beside/compose.yml")}},
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
	s := source.Source{Kind: source.File, Paths: []string{server.URL + "/t0ken/list.txt?key=t0ken"}}
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
			if reading, err := read(""); !errors.Is(err, kind) || strings.Contains(err.Error(), "t0ken") {
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

// TestNoFile: what is no file is an error at once, and so is a link that changes between
// the look at it and the reading.
func TestNoFile(t *testing.T) {
	t.Parallel()
	inside := folder(t, map[string]string{"list": "a:1"})
	outside := folder(t, map[string]string{"secret": "hunter2:1"})
	pipe := filepath.Join(inside, "pipe.txt")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := reader(t, inside).Read(t.Context(), source.Source{Kind: source.File, Paths: []string{pipe}}, ""); !errors.Is(err, errkind.Invalid) {
		t.Errorf("a pipe: %v", err)
	}
	link := filepath.Join(inside, "link.txt")
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; !stop.Load(); i++ {
			_ = os.Remove(link)
			_ = os.Symlink([]string{filepath.Join(inside, "list"), filepath.Join(outside, "secret")}[i%2], link)
		}
	}()
	r := reader(t, inside)
	for range 5000 {
		if reading, err := r.Read(t.Context(), source.Source{Kind: source.File, Paths: []string{link}}, ""); err == nil && reading.Found[0].Text != "a:1" {
			t.Errorf("it reads %v", reading)
			break
		}
	}
	stop.Store(true)
	<-done
}
