package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// impatient is a client without credentials that waits for nothing.
func impatient(t *testing.T) *Registry {
	t.Helper()
	client := isolated(t)
	client.options.RequestsPerSecond = 1e6
	client.timeouts = timeouts{document: 200 * time.Millisecond, list: 400 * time.Millisecond, stall: 100 * time.Millisecond, mirror: 100 * time.Millisecond}
	return client
}

// hostile starts a registry that does as it likes.
func hostile(t *testing.T, handler http.HandlerFunc) image.Repository {
	t.Helper()
	server := cloud(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			handler(w, r)
		}
	})
	return image.Repository{Registry: server.Listener.Addr().String(), Path: "app"}
}

// drip sends a little again and again, until the other side has had enough.
func drip(w http.ResponseWriter, r *http.Request, text string) {
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Whatever a registry sends, the answer is an error in bounded time.
func TestHostileAnswers(t *testing.T) {
	digest := image.Digest("sha256:" + strings.Repeat("a", 64))
	page := 0
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   error
		says   string
	}{
		{"a body without an end, slowly", func(w http.ResponseWriter, r *http.Request) { drip(w, r, " ") }, errkind.Unavailable, "no complete answer"},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, errkind.Unavailable, "no complete answer"},
		{"a list without an end", func(w http.ResponseWriter, r *http.Request) {
			page++
			w.Header().Set("Link", fmt.Sprintf(`</v2/app/tags/list?last=%d>; rel="next"`, page))
			fmt.Fprintf(w, `{"tags":["t%d"]}`, page)
		}, errkind.Unavailable, ""},
		{"other content than the digest says", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"schemaVersion":2,"config":{},"layers":[]}`)
		}, errkind.Unavailable, "has digest"},
		{"a header without an end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
		}, errkind.Unavailable, ""},
		{"redirects in a circle", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		}, errkind.Invalid, "redirects"},
		{"a redirect to a file", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, errkind.Unavailable, ""},
		{"a redirect to the metadata of a cloud", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, errkind.Invalid, "not allowed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, repository := impatient(t), hostile(t, test.answer)
			if test.says != "no complete answer" { // nothing to wait for, and a busy machine takes its time
				client.timeouts.document = time.Minute
			}
			var err error
			if strings.Contains(test.name, "list") {
				for _, err = range client.Tags(t.Context(), repository) {
				}
			} else {
				_, err = client.Image(repository, digest).Manifest(t.Context())
			}
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), repository.Registry) {
				t.Errorf("error %v, want %v that says %q", err, test.want, test.says)
			}
		})
	}
}

func TestLayerThatStalls(t *testing.T) {
	client := impatient(t)
	repository := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "beginning")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	body, err := client.Image(repository, "").Layer(t.Context(), image.Digest("sha256:"+strings.Repeat("a", 64)))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), "sent nothing for") {
		t.Errorf("error %v", err)
	}
}

// A mirror that accepts connections and is silent costs little time.
func TestSilentMirror(t *testing.T) {
	client := impatient(t)
	client.timeouts.document = time.Minute
	silent := hostile(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	const content = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[]}`
	repository := hostile(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, content) })
	file := filepath.Join(t.TempDir(), "registries.conf")
	if err := os.WriteFile(file, fmt.Appendf(nil, "[[registry]]\nlocation=%q\n[[registry.mirror]]\nlocation=%q\n", repository.Registry, silent.Registry), 0o600); err != nil {
		t.Fatal(err)
	}
	mirrored, err := New(Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	mirrored.timeouts = client.timeouts
	if _, err := mirrored.Image(repository, digestOf([]byte(content))).Manifest(t.Context()); err != nil {
		t.Error(err)
	}
}

// witness remembers what it was sent.
type witness struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func newWitness(t *testing.T, answer http.HandlerFunc) *witness {
	t.Helper()
	w := &witness{}
	w.Server = cloud(t, func(rw http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.mu.Lock()
		w.seen = append(w.seen, fmt.Sprint(r.Header, r.URL, r.Form))
		w.mu.Unlock()
		answer(rw, r)
	})
	return w
}

func (w *witness) saw(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(strings.Join(w.seen, " "), text)
}

func (w *witness) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

func logIn(t *testing.T, host, entry string) {
	t.Helper()
	file := filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json")
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"auths":{%q:%s}}`, host, entry), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Credentials and tokens go to the registry and its token service, and to
// nobody that these refer to.
func TestCredentialsStayWithTheirHost(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte("robot:hunter2"))
	for _, test := range []struct{ name, scheme, entry string }{
		{"password at the registry", "Basic", `{"auth":"` + secret + `"}`},
		{"password at the token service", "Bearer", `{"auth":"` + secret + `"}`},
		{"identity token at the token service", "Bearer", `{"auth":"` + secret + `","identitytoken":"hunter2"}`},
		{"registry token", "Bearer", `{"registrytoken":"hunter2"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := isolated(t)
			elsewhere := newWitness(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"token":"t0ken"}`) })
			away := strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)
			registry := cloud(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/token":
					http.Redirect(w, r, away+"/token", http.StatusTemporaryRedirect)
				case r.Header.Get("Authorization") == "":
					w.Header().Set("WWW-Authenticate", fmt.Sprintf(`%s realm="http://%s/token",service="lab"`, test.scheme, r.Host))
					w.WriteHeader(http.StatusUnauthorized)
				case r.URL.Path != "/v2/":
					http.Redirect(w, r, away+r.URL.Path, http.StatusTemporaryRedirect)
				}
			})
			repository := image.Repository{Registry: registry.Listener.Addr().String(), Path: "app"}
			logIn(t, repository.Registry, test.entry)
			body, err := client.Image(repository, "").Layer(t.Context(), image.Digest("sha256:"+strings.Repeat("a", 64)))
			if err == nil {
				_, _ = io.Copy(io.Discard, body)
				body.Close()
			}
			identity := strings.Contains(test.name, "identity") // a form is not sent on at all
			if (elsewhere.asked() == 0) != identity || elsewhere.saw("hunter2") || elsewhere.saw(secret) || elsewhere.saw("t0ken") || elsewhere.saw("Authorization") || elsewhere.saw("Referer") {
				t.Errorf("elsewhere saw %q (%v)", elsewhere.seen, err)
			}
		})
	}
}

// A registry that is far away cannot have Tagwatch knock at what is near.
func TestFarRegistryCannotLeadNear(t *testing.T) {
	inside := newWitness(t, func(http.ResponseWriter, *http.Request) {})
	near := strings.TrimPrefix(inside.URL, "http://")
	named := strings.Replace(near, "127.0.0.1", "localhost", 1)
	for _, target := range []string{near, named, "10.0.0.1", "192.168.0.1:80", "[fd00:ec2::254]", "169.254.169.254", "[::1]:80", "[::ffff:10.0.0.1]",
		"2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "localhost.", "167772161", "0xa9fea9fe", "metadata.google.internal.", "１２７.0.0.1"} {
		for _, way := range []string{"token service", "redirect"} {
			t.Run(way+" at "+target, func(t *testing.T) {
				client := isolated(t)
				repository := hostile(t, func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, "http://"+target+"/", http.StatusTemporaryRedirect)
				})
				h := sessionWith(t, client, repository.Registry)
				h.challenge, h.within = &transport.Challenge{Insecure: true}, reachPublic
				if way == "token service" {
					h.challenge.Scheme, h.challenge.Parameters = "bearer", map[string]string{"realm": "http://" + target + "/token"}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_, err := client.Head(ctx, image.Reference{Repository: repository, Tag: "1"})
				if err == nil || ctx.Err() != nil || !errors.Is(err, errkind.Invalid) && !strings.Contains(err.Error(), "plain HTTP") {
					t.Errorf("error %v", err)
				}
			})
		}
	}
	if inside.asked() != 0 {
		t.Errorf("unexpected requests to the inside: %q", inside.seen)
	}
}

// Behind a proxy, it is the proxy that would resolve and reach what a name stands
// for.
func TestNamesOfAddressesBehindAProxy(t *testing.T) {
	proxy := newWitness(t, func(http.ResponseWriter, *http.Request) {})
	via, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	private := []string{"10.0.0.1", "167772161", "0x0a000001", "012.0.0.1"} // which a registry may have itself
	for _, target := range append(private, "localhost.", "2852039166", "metadata.google.internal", "metadata.goog.") {
		client := isolated(t)
		client.options.InsecureHosts = []string{target, "registry.example"}
		session := func(named string) *host {
			h, err := newHost(client, named, hostSettings{proxy: via, perSecond: 100, concurrency: 1, asked: &atomic.Bool{}})
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		request := httptest.NewRequest(http.MethodGet, "http://"+target+"/", nil)
		if _, err := (carrier{host: session("registry.example")}).RoundTrip(request); !errors.Is(err, errAddress) {
			t.Errorf("redirect to %s: %v, want %v", target, err, errAddress)
		}
		if _, err := (carrier{host: session(target)}).RoundTrip(request); !errors.Is(err, errAddress) && !slices.Contains(private, target) {
			t.Errorf("registry %s: %v, want %v", target, err, errAddress)
		}
	}
	if proxy.asked() != len(private) {
		t.Errorf("%d requests to the proxy: %q", proxy.asked(), proxy.seen)
	}
}

// What a registry says of its token service is not believed blindly.
func TestHostileTokenServices(t *testing.T) {
	for _, test := range []struct {
		name     string
		realm    string
		insecure bool
		says     string
	}{
		{"none", "", true, "is not a URL"},
		{"no URL", "http://%zz", true, "is not a URL"},
		{"file", "file:///etc/passwd", true, "is not a URL"},
		{"plain HTTP for a registry with TLS", "http://auth.example.com/token", false, "plain HTTP"},
		{"plain HTTP without leave", "http://auth.example.com/token", true, "plain HTTP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := isolated(t)
			h := sessionWith(t, client, "127.0.0.1:5000")
			challenge := transport.Challenge{Scheme: "bearer", Insecure: test.insecure, Parameters: map[string]string{"realm": test.realm}}
			if _, err := h.exchange(t.Context(), challenge, credentials{}, ""); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v does not say %q", err, test.says)
			}
		})
	}
	for _, test := range []struct{ name, answer string }{
		{"no token", `{}`}, {"no JSON", `<html>`}, {"too much", `{"token":"` + strings.Repeat("x", 1<<20) + `"}`},
		{"a header of its own", `{"token":"x\r\nX-Evil: y"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := isolated(t)
			registry := cloud(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/token" {
					fmt.Fprint(w, test.answer)
					return
				}
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token"`, r.Host))
				w.WriteHeader(http.StatusUnauthorized)
			})
			ref := image.Reference{Repository: image.Repository{Registry: registry.Listener.Addr().String(), Path: "app"}, Tag: "1"}
			if _, err := client.Head(t.Context(), ref); !errors.Is(err, errkind.Unavailable) || strings.Contains(err.Error(), "Evil") {
				t.Errorf("error %v", err)
			}
		})
	}
}
