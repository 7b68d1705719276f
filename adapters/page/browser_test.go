package page_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/api/reference"
)

//go:embed testdata/visit.html
var visitor []byte

// visit is a page in a frame of a width, and what the browser found there.
type visit struct {
	Path   string
	Failed string
	Width  int
	Height int
	Over   int      // what sticks out on the right
	Wide   []string // tables that have to be scrolled sideways
	// Violations are what axe-core found.
	Violations []struct {
		ID, Impact, Help string
		Nodes            []string
	}
}

// TestInBrowser opens every page, and some about the HTTP API, in Chromium, as on a phone, wide, and wide in the dark.
// axe-core finds nothing serious, nothing has to be scrolled sideways on a phone, and a
// tag with 600 vulnerabilities and 280 findings of the policies can be read to its end.
// In the dark it only checks the colors, which are the same at every width. TestHostile
// and TestAccessible read the pages with hostile values, which look like the others.
func TestInBrowser(t *testing.T) {
	t.Parallel()
	browser, axe := os.Getenv("TAGWATCH_TEST_CHROMIUM"), os.Getenv("TAGWATCH_TEST_AXE")
	if browser == "" || axe == "" {
		t.Skip("TAGWATCH_TEST_CHROMIUM or TAGWATCH_TEST_AXE names no file")
	}
	site := open(t, &content{t: t, tags: 120}, "")
	closed, api := open(t, &content{t: t}, token), referenceOf(t)
	every := slices.DeleteFunc(append([]string{"/elsewhere"}, paths...), func(path string) bool { return strings.Contains(path, "script%3E") })
	for name, v := range map[string]visiting{
		"phone":                 {site: site.url, paths: every, widths: []int{390}},
		"wide":                  {site: site.url, paths: every, widths: []int{1400}},
		"dark":                  {site: site.url, paths: every, widths: []int{1400}, dark: true},
		"reference":             {site: api, paths: []string{"/api/", "/api/operations/subscribe", "/api/operations/show-tag"}, widths: []int{390, 1400}},
		"reference in the dark": {site: api, paths: []string{"/api/", "/api/operations/subscribe"}, widths: []int{1400}, dark: true},
		"sign in":               {site: closed.url, paths: []string{"/"}, widths: []int{390, 1400}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v.axe, v.results = axe, make(chan visit)
			visits(t, browser, v)
		})
	}
}

// referenceOf serves the pages about the HTTP API.
func referenceOf(t *testing.T) string {
	t.Helper()
	document, err := os.ReadFile("../../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := reference.New(document)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc(reference.Home, pages.ServeHome)
	mux.HandleFunc(reference.Operation, func(w http.ResponseWriter, r *http.Request) { pages.ServeOperation(w, r.PathValue("id")) })
	mux.HandleFunc(reference.Style, reference.ServeStyle)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

const (
	// tallest is how many pixels a page may have on a phone.
	tallest = 15_000
	// longestVisit is how long the browser may take for one page.
	longestVisit = 2 * time.Minute
)

func (v visit) check(t *testing.T) {
	t.Helper()
	name := v.Path + " at " + strconv.Itoa(v.Width)
	t.Logf("%s: %d pixels high", name, v.Height)
	if v.Failed != "" {
		t.Errorf("%s: %s", name, v.Failed)
		return
	}
	for _, violation := range v.Violations {
		text := fmt.Sprintf("%s: %s %s: %s\n%s", name, violation.Impact, violation.ID, violation.Help, strings.Join(violation.Nodes, "\n"))
		if violation.Impact == "serious" || violation.Impact == "critical" {
			t.Error(text)
		} else {
			t.Log(text)
		}
	}
	if v.Over > 0 || v.Width < 500 && len(v.Wide) > 0 {
		t.Errorf("%s: %d pixels stick out; tables to scroll sideways: %s", name, v.Over, strings.Join(v.Wide, ", "))
	}
	if v.Width < 500 && (v.Height > tallest || v.Height < 300) {
		t.Errorf("%s: is %d pixels high", name, v.Height)
	}
}

// visits has one browser open the pages one after the other, and checks each.
func visits(t *testing.T, browser string, v visiting) {
	t.Helper()
	scheme := "1"
	if v.dark {
		scheme = "0"
	}
	server := httptest.NewServer(v.handler(t))
	defer server.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--user-data-dir="+t.TempDir(),
		"--remote-debugging-port=0", "--blink-settings=preferredColorScheme="+scheme, "--window-size=1500,1000", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", server.URL+"/visitor")
	cmd.Stderr, cmd.SysProcAttr = &stderr, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // with its helpers
		_ = cmd.Wait()                                      // it was killed
	}()
	for _, wanted := range v.list() {
		select {
		case one := <-v.results:
			one.check(t)
		case <-time.After(longestVisit):
			t.Fatalf("the browser does not report %v: %.5000s", wanted, stderr.String())
		}
	}
}

// visiting serves the visitor beside the pages, to which it adds axe-core. Their own policy
// would not admit that, and not that they are in a frame.
type visiting struct {
	axe, site string
	paths     []string
	widths    []int
	dark      bool // only the colors are checked
	results   chan visit
}

// list is each page with a width.
func (v visiting) list() (wanted [][]any) {
	for _, width := range v.widths {
		for _, path := range v.paths {
			wanted = append(wanted, []any{path, width})
		}
	}
	return wanted
}

func (v visiting) handler(t *testing.T) http.Handler {
	t.Helper()
	script, err := os.ReadFile(v.axe)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(v.site)
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(map[string]any{"pages": v.list(), "colorsOnly": v.dark})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ModifyResponse: withAxe})
	mux.HandleFunc("GET /visitor", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(visitor) })
	mux.HandleFunc("GET /axe.js", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(script) })
	mux.HandleFunc("GET /visits", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list) })
	mux.HandleFunc("POST /results", func(_ http.ResponseWriter, r *http.Request) {
		var one visit
		if err := json.NewDecoder(r.Body).Decode(&one); err != nil {
			one.Failed = err.Error()
		}
		select {
		case v.results <- one:
		case <-r.Context().Done():
		}
	})
	return mux
}

// withAxe admits an answer to the frame of the visitor, with axe-core.
func withAxe(answer *http.Response) error {
	answer.Header.Del("Content-Security-Policy")
	answer.Header.Del("X-Frame-Options")
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		return nil
	}
	text, err := io.ReadAll(answer.Body)
	text = bytes.Replace(text, []byte("</body>"), []byte(`<script src="/axe.js"></script></body>`), 1)
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	answer.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return err
}
