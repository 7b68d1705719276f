package packages_test

import (
	"cmp"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/packages"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// A registry that fails gives no feed: a part of one would look like packages
// that are gone.
func TestFailures(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, map[string]string{"/lodash": abbreviated("lodash", "1", "1")})
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		want    error
		says    string
		timeout time.Duration // 0 for a long one
	}{
		"an error":            {status(http.StatusInternalServerError), errkind.Unavailable, "500", 0},
		"too many requests":   {status(http.StatusTooManyRequests), errkind.Unavailable, "429", 0},
		"credentials":         {status(http.StatusUnauthorized), errkind.Unauthorized, "credentials", 0},
		"a page":              {body("<html>maintenance</html>"), errkind.Unavailable, "cannot be read", 0},
		"another document":    {body(`{"name":"lodash"}`), errkind.Unavailable, "versions", 0},
		"no latest":           {body(`{"versions":{"1":{}},"dist-tags":{"beta":"1"}}`), errkind.Unavailable, "latest", 0},
		"a list":              {body(`[]`), errkind.Unavailable, "cannot be read", 0},
		"half a document":     {body(abbreviated("lodash", "1", "1")[:80]), errkind.Unavailable, "cannot be read", 0},
		"a broken connection": {broken, errkind.Unavailable, "cannot be read", 0},
		"silence":             {silent, errkind.Unavailable, "deadline", 100 * time.Millisecond},
		"endless versions":    {endless, errkind.Limit, "more than", 0},
		"another registry":    {redirect(strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)), errkind.Unavailable, "redirects to localhost", 0},
		"redirects in a ring": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, errkind.Unavailable, "redirects to", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := httptest.NewServer(test.answer)
			t.Cleanup(registry.Close)
			registries := open(t, packages.Options{NPM: registry.URL, Timeout: cmp.Or(test.timeout, time.Minute), MaxAnswer: 1 << 20})
			feed, err := registries.NPM(t.Context(), []string{"lodash", "react"})
			if feed != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "npm registry") {
				t.Errorf("feed %v, error %v; want none and %v that says %q", feed, err, test.want, test.says)
			}
		})
	}
	if asked := elsewhere.asked(); len(asked) > 0 {
		t.Errorf("unexpected requests to the other registry: %q", asked)
	}
}

func TestUnreadableGems(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{}`, `[{"platform":"ruby"}]`, `["1.0"]`, gem("1.0")[:50], ""} {
		registry := httptest.NewServer(body(answer))
		t.Cleanup(registry.Close)
		feed, err := open(t, packages.Options{Gems: registry.URL}).Gems(t.Context(), []string{"rake"})
		if feed != nil || !errors.Is(err, errkind.Unavailable) {
			t.Errorf("%q: feed %v, error %v; want none and errkind.Unavailable", answer, feed, err)
		}
	}
}

func TestTooManyNames(t *testing.T) {
	t.Parallel()
	registries := open(t, packages.Options{NPM: "http://127.0.0.1:1", MaxNames: 2})
	if feed, err := registries.NPM(t.Context(), []string{"a", "b", "c"}); feed != nil || !errors.Is(err, errkind.Limit) {
		t.Errorf("feed %v, error %v; want none and errkind.Limit", feed, err)
	}
}

// Within its own host a registry may redirect, also to TLS.
func TestRedirectWithinTheRegistry(t *testing.T) {
	t.Parallel()
	target := httptest.NewTLSServer(body(abbreviated("lodash", "1", "1")))
	t.Cleanup(target.Close)
	registry := httptest.NewServer(redirect(target.URL))
	t.Cleanup(registry.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: target.Certificate().Raw})
	if err := os.WriteFile(roots, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	feed, err := open(t, packages.Options{NPM: registry.URL, CAFile: roots}).NPM(t.Context(), []string{"lodash"})
	if err != nil || feed.Packages["lodash"].Latest != "1" {
		t.Errorf("feed %v, error %v", feed, err)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func body(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, to+r.URL.Path, http.StatusTemporaryRedirect)
	}
}

func broken(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"versions":{"1":`)
}

func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func endless(w http.ResponseWriter, _ *http.Request) {
	_, err := io.WriteString(w, `{"versions":{"0":{}`)
	for i := 1; err == nil; i++ {
		version, _ := json.Marshal(strings.Repeat("1.", 100) + string(rune('a'+i%26)))
		_, err = w.Write(append(append([]byte(","), version...), ":{}"...))
	}
}
