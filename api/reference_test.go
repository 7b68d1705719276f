package api_test

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/tagwatch/tagwatch/adapters/store/storetest"
)

// TestReference: the pages show every operation and everything of it, need no script, and
// each link leads somewhere.
func TestReference(t *testing.T) {
	t.Parallel()
	f := newFixture(t, storetest.Open(t))
	g := newGenerator(t, 1, "x")
	home := f.shown("/api/")
	for _, o := range g.operations {
		link := `href="/api/operations/` + o.Name + `"`
		if !strings.Contains(home, link) || !strings.Contains(home, o.path) {
			t.Errorf("the page of all operations lacks %s", o.Name)
		}
		text := f.shown("/api/operations/" + o.Name)
		for _, wanted := range []string{o.path, strings.ToUpper(o.method), "the scope " + string(o.Scope), "a problem"} {
			if !strings.Contains(text, wanted) {
				t.Errorf("the page of %s does not show %q", o.Name, wanted)
			}
		}
		for _, each := range o.Parameters {
			if !strings.Contains(text, "<code>"+each.Name+"</code>") {
				t.Errorf("the page of %s does not show its parameter %s", o.Name, each.Name)
			}
		}
	}
	if response, _ := f.send("", http.MethodGet, "/api/operations/none", ""); response.StatusCode != http.StatusNotFound {
		t.Errorf("no such operation: %d", response.StatusCode)
	}
	if response, style := f.send("", http.MethodGet, "/api/reference.css", ""); response.StatusCode != http.StatusOK || !strings.Contains(style, "prefers-color-scheme: dark") {
		t.Errorf("style: %d", response.StatusCode)
	}
}

// TestReferenceFields: what fields of bodies and answers are, and what they are limited to.
func TestReferenceFields(t *testing.T) {
	t.Parallel()
	f := newFixture(t, storetest.Open(t))
	for page, wanted := range map[string][]string{
		"/api/":                            {"Operations", `id="ProblemDetails"`, "<code>hint</code>", "all tags"},
		"/api/operations/subscribe":        {"Idempotency-Key", "list of text", "required", `href="#SubscribeRequest"`, "up to 200 characters"},
		"/api/operations/list-tags":        {"up to 1000", "true or false", "as in sha256:", `id="VulnCounts"`, "time (RFC 3339)"},
		"/api/operations/remove-endpoint":  {"If-Match", "412"},
		"/api/operations/show-endpoint":    {"ETag"},
		"/api/operations/activate-policy":  {"202", "Location"},
		"/api/operations/list-acceptances": {"one of active, ended, revoked"},
	} {
		text := f.shown(page)
		for _, part := range wanted {
			if !strings.Contains(text, part) {
				t.Errorf("%s does not show %q", page, part)
			}
		}
	}
}

// shown is a page, which is well-formed, harmless, and has no link that leads nowhere.
func (f *fixture) shown(path string) string {
	f.Helper()
	response, text := f.send("", http.MethodGet, path, "")
	policy := response.Header.Get("Content-Security-Policy")
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || strings.Contains(policy, "unsafe") {
		f.Errorf("%s: %d with the policy %q", path, response.StatusCode, policy)
	}
	document, err := html.Parse(strings.NewReader(text))
	f.must(err)
	ids, links := map[string]bool{}, []string{}
	for node := range document.Descendants() {
		if node.Type == html.ElementNode && strings.Contains(" script img iframe object embed style base form ", " "+node.Data+" ") {
			f.Errorf("%s: there is an element %s", path, node.Data)
		}
		for _, attribute := range node.Attr {
			switch attribute.Key {
			case "id":
				if ids[attribute.Val] {
					f.Errorf("%s: two elements have the id %s", path, attribute.Val)
				}
				ids[attribute.Val] = true
			case "href":
				links = append(links, attribute.Val)
			case "style":
				f.Errorf("%s: there is an attribute style", path)
			}
		}
	}
	for _, link := range links {
		if place, inside := strings.CutPrefix(link, "#"); inside && !ids[place] || !inside && !strings.HasPrefix(link, "/api/") {
			f.Errorf("%s: the link %s leads nowhere", path, link)
		}
	}
	f.wellFormed(path, text)
	return text
}

var void = regexp.MustCompile(`<(meta|link)\b([^>]*?)>`)

func (f *fixture) wellFormed(path, text string) {
	f.Helper()
	decoder := xml.NewDecoder(strings.NewReader(void.ReplaceAllString(strings.TrimPrefix(text, "<!doctype html>"), "<$1$2/>")))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			f.Errorf("%s: %v", path, err)
			return
		}
	}
}

// TestReferenceBeyondThisMachine: a browser asks for a token, and sends it as a password
// for the pages only: operations do not take what a browser sends by itself.
func TestReferenceBeyondThisMachine(t *testing.T) {
	t.Parallel()
	f := newFixture(t, storetest.Open(t))
	status := func(path, password string) (int, string) {
		request := httptest.NewRequest(http.MethodGet, path, nil)
		local := net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:8236"))
		request = request.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(local)))
		if password != "" {
			request.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("anybody:"+password)))
		}
		answer := httptest.NewRecorder()
		f.handler.ServeHTTP(answer, request)
		return answer.Code, answer.Header().Get("WWW-Authenticate")
	}
	for _, path := range []string{"/api/", "/api/operations/subscribe", "/api/openapi.json"} {
		if got, challenge := status(path, ""); got != http.StatusUnauthorized || !strings.HasPrefix(challenge, "Basic ") {
			t.Errorf("%s without a token: %d %s", path, got, challenge)
		}
		if got, _ := status(path, f.tokens["read"]); got != http.StatusOK {
			t.Errorf("%s with a token: %d", path, got)
		}
	}
	if got, _ := status("/", ""); got != http.StatusFound {
		t.Errorf("the root, which leads to the pages: %d", got)
	}
	if got, challenge := status("/api/v1/tags", f.tokens["admin"]); got != http.StatusUnauthorized || strings.HasPrefix(challenge, "Basic ") {
		t.Errorf("an operation with a password: %d %s", got, challenge)
	}
	if got, _ := status("/api/reference.css", ""); got != http.StatusOK {
		t.Errorf("the style sheet: %d", got)
	}
}
