package main

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRebinding: a page elsewhere whose name resolves to this machine neither reads nor changes anything.
func TestRebinding(t *testing.T) {
	t.Parallel()
	server := start(t, "--in-memory", "--ui-port=-1", "--namespace", "tags")
	address, err := url.Parse(server.UI)
	if err != nil {
		t.Fatal(err)
	}
	const api = "/api/v1/namespaces"
	for name, test := range map[string]struct {
		method, path, host string
		headers            map[string]string
		want               int
	}{
		"the address itself":         {"GET", api, "", nil, 200},
		"localhost":                  {"GET", api, "LOCALHOST:" + address.Port(), nil, 200},
		"IPv6 loopback":              {"GET", api, "[::1]:" + address.Port(), nil, 200},
		"without a port":             {"GET", api, "127.0.0.1", nil, 200},
		"a rebound name":             {"GET", api, "evil.example.com:" + address.Port(), nil, 403},
		"a rebound name, the page":   {"GET", "/", "evil.example.com", nil, 403},
		"a rebound name, its assets": {"GET", "/_app/version.json", "evil.example.com", nil, 403},
		"a rebound name, the health": {"GET", "/healthz", "evil.example.com", nil, 403},
		"a name like ours":           {"GET", api, "localhost.evil.example.com", nil, 403},
		"a name like an address":     {"GET", api, "127.0.0.1.nip.io", nil, 403},
		"another address":            {"GET", api, "192.168.1.1", nil, 403},
		"a trailing dot":             {"GET", api, "evil.example.com.", nil, 403},
		"same origin after rebinding": {"POST", api + "/tags/workflows/x/terminate", "evil.example.com",
			map[string]string{"Origin": "http://evil.example.com", "Sec-Fetch-Site": "same-origin"}, 403},
		"another origin":      {"POST", api + "/tags/workflows/x/terminate", "", map[string]string{"Origin": "http://evil.example.com"}, 403},
		"another port":        {"POST", api + "/tags/workflows/x/terminate", "", map[string]string{"Origin": "http://127.0.0.1:1"}, 403},
		"an opaque origin":    {"POST", api + "/tags/workflows/x/terminate", "", map[string]string{"Origin": "null"}, 403},
		"cross-site, no name": {"POST", api + "/tags/workflows/x/terminate", "", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
	} {
		request, err := http.NewRequest(test.method, server.UI+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = test.host
		for key, value := range test.headers {
			request.Header.Set(key, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("%s: %s, want %d", name, response.Status, test.want)
		}
	}
}

// TestInBrowser opens the Web UI in Chromium by its own name, and by a foreign one that resolves to this machine.
func TestInBrowser(t *testing.T) {
	t.Parallel()
	browser := os.Getenv("TAGWATCH_TEST_CHROMIUM")
	if browser == "" {
		t.Skip("TAGWATCH_TEST_CHROMIUM names no browser")
	}
	server := start(t, "--in-memory", "--ui-port=-1", "--namespace", "tags")
	address, err := url.Parse(server.UI)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ host, want, never string }{
		"own name":     {"localhost", `data-testid=`, "open the Web UI as localhost"},
		"foreign name": {"evil.example.com", "open the Web UI as localhost", `data-testid=`},
	} {
		if text := shown(t, browser, "http://"+test.host+":"+address.Port()+"/namespaces/tags/workflows"); !strings.Contains(text, test.want) || strings.Contains(text, test.never) {
			t.Errorf("%s: the browser shows, want %q:\n%.2000s", name, test.want, text)
		}
	}
}

// shown is the document that the browser made of an address.
func shown(t *testing.T, browser, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--host-resolver-rules=MAP *.example.com 127.0.0.1", "--virtual-time-budget=20000", "--dump-dom", address)
	cmd.Stderr = &stderr
	if picture := os.Getenv("TAGWATCH_TEST_SCREENSHOTS"); picture != "" {
		cmd.Args = append(cmd.Args, "--screenshot="+filepath.Join(picture, strings.NewReplacer("/", "_", ":", "_").Replace(address)+".png"))
	}
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return string(text)
}
