package main

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/config"
)

// TestMetricsHideNames: whoever may not read the status page learns no names of
// registries and sources, but how much there is of everything.
func TestMetricsHideNames(t *testing.T) {
	t.Setenv("STATUS", "a-token-of-some-length")
	keeper := watching(t, "registry.example.com/shop/api:1")
	watched := newMeters()
	for _, host := range []string{"secret-a.example.com", "secret-b.example.com"} {
		watched.requests.WithLabelValues(host, "head", "ok").Add(2)
	}
	newPushWatch(nil, watched.registry, slog.New(slog.DiscardHandler)).last.WithLabelValues("secret-source").Set(1)
	for _, test := range []struct {
		name, listen, token, shown string
		names                      bool
	}{
		{"loopback", "127.0.0.1:1", "", "", true},
		{"elsewhere without a token", "0.0.0.0:1", "", "", false},
		{"a token that is not shown", "0.0.0.0:1", "env:STATUS", "", false},
		{"a wrong token", "127.0.0.1:1", "env:STATUS", "Bearer a-guess-of-some-length", false},
		{"the token", "0.0.0.0:1", "env:STATUS", "Bearer a-token-of-some-length", true},
	} {
		page, err := newPage(config.Worker{Listen: test.listen, StatusToken: test.token}, keeper, time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		request.Header.Set("Authorization", test.shown)
		answer := httptest.NewRecorder()
		routes(&readiness{}, watched, page).ServeHTTP(answer, request)
		text := answer.Body.String()
		sum := `tagwatch_registry_requests_total{operation="head",outcome="ok",registry="hidden"} 4`
		latest := `tagwatch_push_timestamp_seconds{source="hidden"} 1`
		if strings.Contains(text, latest) == test.names || answer.Code != 200 || strings.Contains(text, "secret-") != test.names || strings.Contains(text, sum) == test.names || !strings.Contains(text, "tagwatch_build_info") {
			t.Errorf("%s: %d\n%s", test.name, answer.Code, text)
		}
	}
}
