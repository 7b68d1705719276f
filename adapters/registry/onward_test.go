package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/lab"
)

// vanity is a name that redirects to a registry what it does not answer itself.
type vanity struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newVanity(t *testing.T, status int, to string, rewrite func(path string) string, answers func(http.ResponseWriter, *http.Request) bool) *vanity {
	t.Helper()
	v := &vanity{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.seen = append(v.seen, r.Method+" "+r.URL.Path)
		v.mu.Unlock()
		if answers != nil && answers(w, r) {
			return
		}
		target := *r.URL
		target.Scheme, target.Host = "http", to
		if rewrite != nil {
			target.Path = rewrite(target.Path)
		}
		w.Header().Set("Location", target.String())
		w.WriteHeader(status)
	}))
	t.Cleanup(v.Close)
	return v
}

func (v *vanity) host() string { return strings.TrimPrefix(v.URL, "http://") }

// asked are the requests since the last time.
func (v *vanity) asked() (requests []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	requests, v.seen = v.seen, nil
	return requests
}

// spied puts a server before another that remembers each request's headers and
// parameters.
func spied(t *testing.T, host string) (at string, seen func() string) {
	t.Helper()
	var mu sync.Mutex
	var requests []string
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests = append(requests, fmt.Sprint(r.Method, " ", r.URL, r.Header))
		mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(requests, "\n")
	}
}

// A name that redirects to another registry, as lscr.io does to ghcr.io, works
// like that registry, and its credentials stay with it.
func TestNamesThatRedirect(t *testing.T) {
	open := func(w http.ResponseWriter, r *http.Request) bool { return r.URL.Path == "/v2/" }
	for _, test := range []struct {
		name    string
		status  int
		path    string // of the repository at the registry
		answers func(service string) func(http.ResponseWriter, *http.Request) bool
	}{
		{name: "all, 307", status: 307},
		{name: "all, 308", status: 308},
		{name: "all, 302", status: 302},
		{name: "all but /v2/", status: 307, answers: func(string) func(http.ResponseWriter, *http.Request) bool { return open }},
		{name: "to another repository", status: 307, path: "team/app"},
		{name: "all but /v2/, which names the registry's token service", status: 307, answers: func(service string) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/v2/" {
					w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="lab-registry"`, service))
					w.WriteHeader(http.StatusUnauthorized)
				}
				return r.URL.Path == "/v2/"
			}
		}},
		{name: "with a token service of its own", status: 307, answers: func(string) func(http.ResponseWriter, *http.Request) bool {
			return func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case r.URL.Path == "/token":
					fmt.Fprint(w, `{"token":"own"}`)
				case r.Header.Get("Authorization") == "":
					w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token"`, r.Host))
					w.WriteHeader(http.StatusUnauthorized)
				default:
					return false
				}
				return true
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, client := startLab(t), newClient(t, registry.Options{})
			path := "app"
			if test.path != "" {
				path = test.path
			}
			digest := push(t, store, path+":1", build(t, content(t, "x")))
			if err := store.Tag(path+":1", "2"); err != nil {
				t.Fatal(err)
			}
			service := must(lab.NewTokenService(nil))(t)
			t.Cleanup(func() { _ = service.Close() })
			store.RequireTokens(service)
			behind, seen := spied(t, store.Host())
			var answers func(http.ResponseWriter, *http.Request) bool
			if test.answers != nil {
				answers = test.answers(service.Host())
			}
			front := newVanity(t, test.status, behind, func(asked string) string {
				return strings.Replace(asked, "/v2/app/", "/v2/"+path+"/", 1)
			}, answers)
			if !strings.Contains(test.name, "token service") { // whose credentials go where the name says
				login(t, front.host(), basic("robot", "hunter2"))
				service.Admit("", "", "")
			}
			if err := readsAll(t, client, front.host(), digest); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"hunter2", basic("robot", "hunter2"), "account=robot", "Bearer own", "Referer"} {
				if strings.Contains(seen(), secret) {
					t.Errorf("the registry saw %s:\n%s", secret, seen())
				}
			}
			front.asked()
			store.Forget()
			before := service.Issued("")
			if _, err := client.Head(t.Context(), reference(t, front.host()+"/app:1")); err != nil {
				t.Fatal(err)
			}
			if asked := front.asked(); len(asked) != 1 || len(store.Calls()) != 1 || service.Issued("") != before {
				t.Errorf("one more check: %v, then %v and %d tokens; want one request each and no token", asked, store.Calls(), service.Issued("")-before)
			}
		})
	}
}

// Where the registry behind a name wants credentials, it gets those for itself.
func TestCredentialsBehindARedirect(t *testing.T) {
	for _, scheme := range []string{"Basic", "Bearer"} {
		t.Run(scheme, func(t *testing.T) {
			store, client := startLab(t), newClient(t, registry.Options{})
			want := push(t, store, "app:1", build(t, content(t, "x")))
			if scheme == "Basic" {
				store.RequireBasicAuth("robot", "hunter2")
			} else {
				store.RequireTokens(tokens(t, nil, "robot", "hunter2", ""))
			}
			front := newVanity(t, http.StatusTemporaryRedirect, store.Host(), nil, nil)
			ref := reference(t, front.host()+"/app:1")
			login(t, front.host(), basic("robot", "hunter2"))
			if _, err := client.Head(t.Context(), ref); !errors.Is(err, errkind.Unauthorized) || !strings.Contains(err.Error(), store.Host()) && scheme == "Basic" {
				t.Errorf("with credentials of the name alone: %v; want that %s denies it", err, store.Host())
			}
			login(t, store.Host(), basic("robot", "hunter2"))
			client = must(registry.New(registry.Options{}))(t)
			if got, err := client.Head(t.Context(), ref); err != nil || got != want {
				t.Errorf("with its own credentials: %s, %v; want %s", got, err, want)
			}
		})
	}
}

// A token that ends early is replaced behind a redirect, too.
func TestTokenThatEndsEarlyBehindARedirect(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	push(t, store, "app:1", build(t, content(t, "x")))
	front := newVanity(t, http.StatusTemporaryRedirect, store.Host(), nil, nil)
	ref := reference(t, front.host()+"/app:1")
	for range 2 { // another service does not know the tokens of the first
		store.RequireTokens(tokens(t, nil, "", "", ""))
		if _, err := client.Head(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
}

// A registry that is open at /v2/ and asks for authorization only where it is
// needed is answered there.
func TestChallengeOfARepository(t *testing.T) {
	service := tokens(t, nil, "", "", "")
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if service.Verify(token, "app") != nil {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="lab-registry"`, service.Realm()))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("a", 64))
	})
	client := newClient(t, registry.Options{})
	for range 2 {
		if _, err := client.Head(t.Context(), reference(t, host+"/app:1")); err != nil {
			t.Error(err)
		}
	}
	if got := service.Issued(""); got != 1 {
		t.Errorf("%d tokens, want one", got)
	}
}

// A limit is of the registry that set it, and holds on whichever way leads there.
func TestLimitsBehindARedirect(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	push(t, store, "app:1", build(t, content(t, "x")))
	ways := []string{newVanity(t, 307, store.Host(), nil, nil).host(), newVanity(t, 308, store.Host(), nil, nil).host(), store.Host()}
	for _, way := range ways {
		if _, err := client.Head(t.Context(), reference(t, way+"/app:1")); err != nil {
			t.Fatal(err)
		}
	}
	store.Fail(lab.Fault{Path: "/manifests/", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"120"}}})
	store.Forget()
	for _, way := range ways {
		_, err := client.Head(t.Context(), reference(t, way+"/app:1"))
		if err == nil || !strings.Contains(err.Error(), store.Host()) || retryAfter(err) < 100e9 {
			t.Errorf("by %s: %v, again in %s", way, err, retryAfter(err))
		}
	}
	if asked := len(store.Calls()); asked != 1 {
		t.Errorf("%d requests to a registry that wants a pause, want one", asked)
	}
	for _, way := range ways[:2] {
		if closed := client.RateLimit(way).Closed; closed != "" {
			t.Errorf("%s %s", way, closed)
		}
	}
}

// What a registry announces to allow is kept to by those who are led there.
func TestAllowanceBehindARedirect(t *testing.T) {
	asked := 0
	store := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("RateLimit-Limit", "3;w=3600")
		w.Header().Set("RateLimit-Remaining", fmt.Sprintf("%d;w=3600", max(0, 3-asked)))
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("a", 64))
	})
	client := newClient(t, registry.Options{})
	front := newVanity(t, 307, store, nil, func(w http.ResponseWriter, r *http.Request) bool { return r.URL.Path == "/v2/" })
	for range 5 {
		_, _ = client.Head(t.Context(), reference(t, front.host()+"/app:1"))
	}
	if asked != 3 {
		t.Errorf("%d requests, 3 are allowed", asked)
	}
}

// A registry that fails is left alone by those who are led there, and is named.
func TestFailuresBehindARedirect(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	front := newVanity(t, 307, store.Host(), nil, func(_ http.ResponseWriter, r *http.Request) bool { return r.URL.Path == "/v2/" })
	store.Fail(lab.Fault{Status: http.StatusBadGateway})
	var err error
	for range 20 {
		_, err = client.Head(t.Context(), reference(t, front.host()+"/app:1"))
	}
	if asked := len(store.Calls()); asked > 10 || !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), store.Host()) {
		t.Errorf("%d requests, %v", asked, err)
	}
	if closed := client.RateLimit(front.host()).Closed; closed != "" {
		t.Errorf("the name itself %s", closed)
	}
}

func TestRedirectsInACircle(t *testing.T) {
	var first, second *vanity
	first = newVanity(t, 307, "", nil, func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, second.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	})
	second = newVanity(t, 307, first.host(), nil, nil)
	_, err := newClient(t, registry.Options{}).Head(t.Context(), reference(t, first.host()+"/app:1"))
	if requests := len(first.asked()) + len(second.asked()); err == nil || requests > 30 {
		t.Errorf("%d requests, %v; want an error after a few", requests, err)
	}
}

// Where a redirect leads is read as a browser would.
func TestRelativeRedirects(t *testing.T) {
	for _, location := range []string{"/v2/other/manifests/1", "../../other/manifests/1", "//%s/v2/other/manifests/1", "?again=1"} {
		t.Run(location, func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/v2/other/manifests/1" || r.URL.RawQuery != "" {
					w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("a", 64))
					return
				}
				w.Header().Set("Location", strings.Replace(location, "%s", r.Host, 1))
				w.WriteHeader(http.StatusTemporaryRedirect)
			})
			if _, err := newClient(t, registry.Options{}).Head(t.Context(), reference(t, host+"/app:1")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TLS is not given up on the way, except for hosts that are named for it.
func TestRedirectsFromTLSToPlainHTTP(t *testing.T) {
	plain := startLab(t)
	push(t, plain, "app:1", build(t, content(t, "x")))
	authority := must(lab.NewAuthority())(t)
	file := writeFile(t, t.TempDir()+"/ca.pem", authority.PEM())
	for _, pinged := range []bool{true, false} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if pinged || r.URL.Path != "/v2/" {
				http.Redirect(w, r, "http://"+plain.Host()+r.URL.Path, http.StatusTemporaryRedirect)
			}
		}))
		server.TLS = must(authority.Server(false))(t)
		server.StartTLS()
		t.Cleanup(server.Close)
		ref := reference(t, strings.TrimPrefix(server.URL, "https://")+"/app:1")
		client := newClient(t, registry.Options{CAFile: file})
		plain.Forget()
		if _, err := client.Head(t.Context(), ref); err == nil || !strings.Contains(err.Error(), "plain HTTP") || len(plain.Calls()) != 0 {
			t.Errorf("with /v2/ %t: %v, %v", pinged, err, plain.Calls())
		}
		client = newClient(t, registry.Options{CAFile: file, InsecureHosts: []string{plain.Host()}})
		if _, err := client.Head(t.Context(), ref); err != nil {
			t.Errorf("with /v2/ %t, to a host that is named: %v", pinged, err)
		}
	}
}

// The check of a name says where it leads, and tries the login there.
func TestCheckOfANameThatRedirects(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	want := push(t, store, "app:1", build(t, content(t, "x")))
	service := tokens(t, nil, "robot", "hunter2", "")
	store.RequireTokens(service)
	behind, seen := spied(t, store.Host())
	front := newVanity(t, 307, behind, nil, nil)
	login(t, behind, basic("robot", "hunter2"))
	report, err := client.Check(t.Context(), front.host()+"/app:1")
	if err != nil || !report.Works {
		t.Fatalf("%+v, %v", report, err)
	}
	place := report.Places[0]
	if place.RedirectsTo != behind || place.TokenService != service.Realm() || place.User != "robot" || place.Digest != want {
		t.Errorf("%+v", place)
	}
	if slices.ContainsFunc(front.asked(), func(string) bool { return strings.Contains(seen(), "hunter2") }) {
		t.Error("the password went to the registry")
	}
}
