package packages_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/packages"
)

// server is a registry that keeps documents by path and answers conditional
// requests.
type server struct {
	*httptest.Server
	mu        sync.Mutex
	documents map[string]string // by escaped path
	broken    http.HandlerFunc  // answers in place of the documents, if set
	requests  []string          // method, escaped path, ETag if one was sent
	accept    string            // of the last request
}

func serve(t *testing.T, documents map[string]string) *server {
	t.Helper()
	s := &server{documents: documents}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.URL.EscapedPath()+" "+r.Header.Get("If-None-Match")))
	s.accept = r.Header.Get("Accept")
	if s.broken != nil {
		s.broken(w, r)
		return
	}
	document, found := s.documents[r.URL.EscapedPath()]
	etag := fmt.Sprintf(`"%d"`, len(document))
	switch w.Header().Set("ETag", etag); {
	case !found:
		http.Error(w, `{"error":"Not found"}`, http.StatusNotFound)
	case r.Header.Get("If-None-Match") == etag:
		w.WriteHeader(http.StatusNotModified)
	default:
		_, _ = w.Write([]byte(document))
	}
}

// change sets the documents, or what answers in their place.
func (s *server) change(documents map[string]string, broken http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.documents, s.broken = documents, broken
}

// asked returns the requests since it was called last.
func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.requests
	s.requests = nil
	return asked
}

func open(t *testing.T, options packages.Options) *packages.Registries {
	t.Helper()
	registries, err := packages.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return registries
}

// abbreviated is a document as npm's registry has it for installers. The versions
// stand in the order of their publication.
func abbreviated(name, latest string, versions ...string) string {
	var each []string
	for _, version := range versions {
		each = append(each, fmt.Sprintf(`%q:{"name":%q,"version":%[1]q,"dependencies":{"loose-envify":"^1.1.0"},"dist":{"shasum":"d3ad",`+
			`"tarball":"https://registry.example.com/%[2]s/-/%[2]s-%[1]s.tgz","signatures":[{"keyid":"SHA256:k","sig":"s"}]},"engines":{"node":">=0.10.0"}}`, version, name))
	}
	return fmt.Sprintf(`{"name":%q,"modified":"2024-05-01T12:00:00.000Z","dist-tags":{"beta":"9.0.0-beta.1","latest":%q},"versions":{%s}}`,
		name, latest, strings.Join(each, ","))
}

// gem is the answer of RubyGems' API about versions, given as number or number
// and platform.
func gem(versions ...string) string {
	var each []string
	for _, version := range versions {
		number, platform, built := strings.Cut(version, " ")
		if !built {
			platform = "ruby"
		}
		each = append(each, fmt.Sprintf(`{"authors":"A. Author","built_at":"2024-02-01T00:00:00.000Z","created_at":"2024-02-01T10:00:00.000Z","description":null,`+
			`"downloads_count":12,"metadata":{"rubygems_mfa_required":"true"},"number":%q,"summary":"s","platform":%q,"rubygems_version":">= 0",`+
			`"ruby_version":">= 2.7","prerelease":%t,"licenses":["MIT"],"requirements":[],"sha":"5ha"}`, number, platform, strings.ContainsAny(number, "abcdefghijklmnopqrstuvwxyz")))
	}
	return "[" + strings.Join(each, ",") + "]"
}
