package registry_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/lab"
)

// challenge puts a handshake that asks for authorization in front of a registry
// and returns its host. Its token service is /token of the same host.
func challenge(t *testing.T, host, scheme string) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host})
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" && r.URL.Path != "/token" {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`%s realm="http://%s/token",service="lab"`, scheme, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func TestBasicAuthenticationFromDockerConfiguration(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	want := push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	store.RequireBasicAuth("robot", "hunter2")
	login(t, store.Host(), base64.StdEncoding.EncodeToString([]byte("robot:hunter2")))
	if got, err := client.Head(t.Context(), reference(t, store.Reference("app:1"))); err != nil || got != want {
		t.Errorf("Head = %s, %v; want %s", got, err, want)
	}
}

func TestChangedCredentialsAreNoticed(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	ref := reference(t, store.Reference("app:1"))
	for _, password := range []string{"", "first", "second"} {
		if password != "" {
			store.RequireBasicAuth("robot", password)
			login(t, store.Host(), base64.StdEncoding.EncodeToString([]byte("robot:"+password)))
		}
		if _, err := client.Head(t.Context(), ref); err != nil {
			t.Errorf("with password %q: %v", password, err)
		}
	}
}

func TestOneTokenPerRepository(t *testing.T) {
	var issued, asked atomic.Int64
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			issued.Add(1)
			fmt.Fprintf(w, `{"token":%q,"expires_in":300}`, r.URL.Query().Get("scope"))
			return
		}
		path, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/manifests")
		if r.Header.Get("Authorization") != "Bearer repository:"+path+":pull" {
			w.WriteHeader(http.StatusForbidden)
		}
		asked.Add(1)
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("a", 64))
	})
	client, challenged := newClient(t, registry.Options{}), challenge(t, host, "Bearer")
	for round := range 10 {
		for _, repository := range []string{"one", "two/deep"} {
			if _, err := client.Head(t.Context(), reference(t, fmt.Sprintf("%s/%s:%d", challenged, repository, round))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if issued.Load() != 2 || asked.Load() != 20 {
		t.Errorf("%d tokens for %d requests, want 2 for 20", issued.Load(), asked.Load())
	}
}
