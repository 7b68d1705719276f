package main

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/config"
	"github.com/tagwatch/tagwatch/domain/token"
)

// TestServeAPI: over TLS, with a token, on the real store; what was answered is counted.
func TestServeAPI(t *testing.T) {
	t.Parallel()
	cert, key, roots := selfSigned(t)
	keeper := watching(t, "registry.example.com/shop/api:1")
	made, text, err := token.New("ci", token.Read, nil, time.Now(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := keeper.SaveToken(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	settings := config.Config{Account: "admin", Worker: config.Worker{APIListen: free(t), APICertFile: cert, APIKeyFile: key}}
	watched := newMeters()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveAPI(ctx, settings, keeper, client.Client{}, watched, time.Now, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	connected := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	get := func(host, bearer string) (int, string) {
		for t.Context().Err() == nil {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+settings.Worker.APIListen+"/api/v1/tags", nil)
			if err != nil {
				t.Fatal(err)
			}
			if host != "" {
				request.Host = host
			}
			request.Header.Set("Authorization", "Bearer "+bearer)
			answer, err := connected.Do(request)
			if err != nil {
				time.Sleep(10 * time.Millisecond) // it is starting
				continue
			}
			defer answer.Body.Close()
			content, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			return answer.StatusCode, string(content)
		}
		return 0, ""
	}
	if status, content := get("", text); status != http.StatusOK || !strings.Contains(content, `"target":"registry.example.com/shop/api:1"`) {
		t.Errorf("%d %s", status, content)
	}
	if status, content := get("", "twt_wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d %s", status, content)
	}
	if status, content := get("evil.example.com", text); status != http.StatusForbidden {
		t.Errorf("a foreign host: %d %s", status, content)
	}
	for status, want := range map[string]float64{"200": 1, "401": 1} {
		if got := testutil.ToFloat64(watched.apiRequests.WithLabelValues(status)); got != want {
			t.Errorf("%s was answered %v times, want %v", status, got, want)
		}
	}
}

// TestServeAPIWhereAsked: without an address, or the role, nothing is served.
func TestServeAPIWhereAsked(t *testing.T) {
	t.Parallel()
	for name, worker := range map[string]config.Worker{"no address": {}, "another role": {APIListen: "256.0.0.1:x", Serve: []string{"watching"}}} {
		if err := serveAPI(t.Context(), config.Config{Worker: worker}, nil, client.Client{}, nil, time.Now, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for worker, says := range map[*config.Worker]string{{APIListen: "256.0.0.1:x"}: "TAGWATCH_API_LISTEN", {APIListen: "127.0.0.1:0", APICertFile: "/none", APIKeyFile: "/none"}: "--api-cert-file"} {
		err := serveAPI(t.Context(), config.Config{Worker: *worker}, nil, client.Client{}, newMeters(), time.Now, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
