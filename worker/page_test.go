package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/source"
)

// TestPage: the status page reads the real store, beside health and metrics.
func TestPage(t *testing.T) {
	t.Parallel()
	keeper := watching(t, "registry.example.com/shop/api:1", "registry.example.com/shop/api:1@linux/arm64")
	if err := keeper.SaveSource(t.Context(), source.Source{Name: "list", Kind: source.File, Paths: []string{"/srv/list"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := keeper.SaveBundle(t.Context(), policy.StoredBundle{ID: "shop", Name: "Shop", Hash: "sha256:b", Document: []byte("{}"), Note: "first try"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	page, err := newPage(config.Worker{Listen: "127.0.0.1:8234", TemporalUI: "http://127.0.0.1:8233/"}, keeper, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(routes(&readiness{}, &meters{registry: prometheus.NewRegistry()}, page))
	t.Cleanup(server.Close)
	for path, says := range map[string]string{
		"/":                        "2 of 2 tags",
		"/?q=arm64&order=severity": "1 of 1 tag",
		"/?status=fail":            "No tag matches",
		"/notifications":           "No notifications yet",
		"/endpoints":               "No endpoint is configured",
		"/registries":              "registry.example.com",
		"/feed":                    "none yet",
		"/search?q=CVE-2026-1":     "No analyzed image",
		"/search?q=openssl":        "No analyzed image",
		"/search?q=pkg:npm/a":      "No analyzed image",
		"/deliveries":              "Nothing was to be delivered",
		"/repositories":            "?repository=registry.example.com%2Fshop%2Fweb",
		"/sources":                 "?source=list",
		"/source?name=list":        "None were found",
		"/source?name=none":        "Not found",
		"/policies":                "/policy?id=shop",
		"/policy?id=shop":          "first try",
		"/audit":                   "Nobody has changed",
		"/?source=list":            "No tag matches",
		"/?order=severity&before=registry.example.com/shop/api:1@linux/arm64": "1 of 2 tags",
		"/?order=change&after=registry.example.com/shop/none:1":               "Not found",
		"/tag/policy?name=registry.example.com/shop/api:1":                    "The policies found nothing",
		"/tag/vulnerabilities.csv?name=registry.example.com/shop/api:1":       "not matched against vulnerability data yet",
		"/tag/sbom.json?name=registry.example.com/shop/api:1":                 "not analyzed yet",
		"/badge/registry.example.com/shop/api:1.svg":                          "policy: not",
		"/search?q=a&after=nothing":                                           "Invalid address",
		"/healthz":                                                            "alive",
		"/notification?id=none":                                               "Not found",
		"/tag?name=registry.example.com/shop/none:1":                          "Not found",
		"/tag?name=registry.example.com/shop/api:1":                           "http://127.0.0.1:8233/namespaces/default/workflows/watch-tag:registry.example.com%2Fshop%2Fapi:1",
	} {
		if text := fetched(t, server.URL+path); !strings.Contains(text, says) {
			t.Errorf("%s does not say %q:\n%s", path, says, text)
		}
	}
}

func fetched(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPageBeyondThisMachine: where others could read it, it wants a token, and says
// which.
func TestPageBeyondThisMachine(t *testing.T) {
	keeper := watching(t, "registry.example.com/shop/api:1")
	t.Setenv("STATUS", "a-token-of-some-length")
	t.Setenv("SHORT", "hunter2")
	for _, test := range []struct {
		name, listen, token string
		status              int
		says                string
	}{
		{"all addresses", "0.0.0.0:8234", "", 401, "token of the HTTP API"},
		{"no address", ":8234", "", 401, "token of the HTTP API"},
		{"another address", "10.0.0.1:8234", "", 401, "token of the HTTP API"},
		{"a name", "worker.example.com:8234", "", 401, "token of the HTTP API"},
		{"all addresses with a token", "0.0.0.0:8234", "env:STATUS", 401, "Token of the status page"},
		{"loopback with a token", "127.0.0.1:8234", "env:STATUS", 401, "Token of the status page"},
		{"loopback", "[::1]:8234", "", 200, "1 of 1 tag"},
		{"localhost", "localhost:8234", "", 200, "1 of 1 tag"},
	} {
		page, err := newPage(config.Worker{Listen: test.listen, StatusToken: test.token}, keeper, time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		answer := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Host = "localhost:8234"
		page.ServeHTTP(answer, request)
		if answer.Code != test.status || !strings.Contains(answer.Body.String(), test.says) {
			t.Errorf("%s: %d, want %d\n%s", test.name, answer.Code, test.status, answer.Body)
		}
	}
	for token, says := range map[string]string{"env:NONE": "NONE is not set", "env:SHORT": "fewer than 16"} {
		_, err := newPage(config.Worker{Listen: "127.0.0.1:1", StatusToken: token}, keeper, time.Now, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "TAGWATCH_STATUS_TOKEN") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", token, err)
		}
	}
}
