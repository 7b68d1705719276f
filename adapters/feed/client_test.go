package feed_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/feed"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// farAway is a host that only the proxy knows.
const farAway = "feed.example"

// TestMain puts a proxy into the environment, which Go reads once a process and
// does not use for loopback addresses. The proxy takes the port of the wanted
// address to be one of this machine.
func TestMain(m *testing.M) {
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Host = strings.Replace(r.Out.URL.Host, farAway, "127.0.0.1", 1)
	}})
	if err := os.Setenv("HTTP_PROXY", proxy.URL); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	proxy.Close()
	os.Exit(code)
}

func TestProxy(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	through := strings.Replace(s.publisher.URL(), "127.0.0.1", farAway, 1)
	s.Feed = open(t, s.root, feed.Options{URL: through})
	build, err := s.sync(t.Context())
	must(t, err)
	if !strings.HasPrefix(build.URL, through) {
		t.Errorf("fetched from %s, want from %s", build.URL, through)
	}
}

// mirror stands before the publisher.
func (s stage) mirror(t *testing.T, start func(http.Handler) *httptest.Server, check func(http.ResponseWriter, *http.Request) bool) *httptest.Server {
	t.Helper()
	target, err := url.Parse(s.publisher.URL())
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	mirror := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if check(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(mirror.Close)
	return mirror
}

// startTLS is quiet about clients that do not trust it.
func startTLS(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	return server
}

func anyone(http.ResponseWriter, *http.Request) bool { return true }

func TestPrivateCA(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	mirror := s.mirror(t, startTLS, anyone)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mirror.Certificate().Raw})
	must(t, os.WriteFile(ca, text, 0o600))

	s.Feed = open(t, s.root, feed.Options{URL: mirror.URL})
	if _, err := s.sync(t.Context()); !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "CA file") {
		t.Errorf("without the CA: error %v, want one that reports what to do", err)
	}
	s.Feed = open(t, s.root, feed.Options{URL: mirror.URL, CAFile: ca})
	_, err := s.sync(t.Context())
	must(t, err)
}

// TestCredentials keeps the user, the password and the token of a mirror's address
// out of everything that is stored or shown, and still uses them.
func TestCredentials(t *testing.T) {
	t.Parallel()
	const password, token = "hunter2", "s3cr3t"
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	allow := true
	mirror := s.mirror(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
		user, given, _ := r.BasicAuth()
		if allow && user == "joe" && given == password && r.URL.Query().Get("token") == token {
			return true
		}
		http.Error(w, "no", http.StatusUnauthorized)
		return false
	})
	address, err := url.Parse(mirror.URL)
	must(t, err)
	address.User, address.RawQuery = url.UserPassword("joe", password), "token="+token
	s.Feed = open(t, s.root, feed.Options{URL: address.String()})
	offer, err := s.Latest(t.Context())
	must(t, err)
	build, err := s.Fetch(t.Context(), offer, func(string) {})
	must(t, err)
	allow = false
	_, refused := s.Latest(t.Context())
	missing := s.Ensure(t.Context(), vuln.Build{Checksum: "sha256:" + strings.Repeat("0", 64), URL: build.URL})
	if !errors.Is(refused, errkind.Unauthorized) || !errors.Is(missing, errkind.Unauthorized) {
		t.Errorf("errors %v and %v, want errkind.Unauthorized", refused, missing)
	}
	path, err := s.Path(build.Checksum)
	must(t, err)
	stored, err := os.ReadFile(filepath.Join(path, "import.json"))
	must(t, err)
	shown := fmt.Sprint(offer, build, refused, missing, string(stored))
	if strings.Contains(shown, password) || strings.Contains(shown, token) {
		t.Errorf("a secret shows: %s", shown)
	}
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	var leaked string
	other := s.mirror(t, httptest.NewServer, func(_ http.ResponseWriter, r *http.Request) bool {
		leaked = r.Header.Get("Authorization") + r.URL.RawQuery
		return true
	})
	s.Feed = open(t, s.root, feed.Options{URL: "http://joe:hunter2@127.0.0.1:9/?token=s3cr3t"})
	wanted := vuln.Build{Checksum: "sha256:" + strings.Repeat("0", 64), URL: other.URL + "/v6/archive.tar.zst"}
	if err := s.Ensure(t.Context(), wanted); !errors.Is(err, errkind.NotFound) {
		t.Errorf("error %v, want errkind.NotFound", err)
	}
	if leaked != "" {
		t.Errorf("another host received %q", leaked)
	}
}

func TestRedirectAwayFromTLS(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	mirror := s.mirror(t, startTLS, func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, s.publisher.URL()+r.URL.Path, http.StatusFound)
		return false
	})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mirror.Certificate().Raw}), 0o600))
	s.Feed = open(t, s.root, feed.Options{URL: mirror.URL, CAFile: ca})
	if _, err := s.Latest(t.Context()); !errors.Is(err, errkind.Invalid) {
		t.Errorf("error %v, want errkind.Invalid", err)
	}
}

// TestRedirectInward: a publisher on the internet leads nobody to this machine, nor
// to the metadata of a cloud, by redirects and however the address is spelled.
func TestRedirectInward(t *testing.T) {
	t.Parallel()
	s := newStage(t, feed.Options{})
	s.publish(t, build(t))
	inside, err := url.Parse(s.publisher.URL())
	must(t, err)
	for _, host := range []string{"127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "127.0.0.1.", "[::ffff:0:127.0.0.1]", "169.254.169.254", "metadata.google.internal"} {
		mirror := s.mirror(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://"+host+":"+inside.Port()+r.URL.Path, http.StatusFound)
			return false
		})
		s.Feed = open(t, s.root, feed.Options{URL: strings.Replace(mirror.URL, "127.0.0.1", farAway, 1)})
		if _, err := s.sync(t.Context()); !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "closer to this machine") {
			t.Errorf("to %s: %v", host, err)
		}
	}
}
