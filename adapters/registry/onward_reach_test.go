package registry

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

// The addresses of this machine that stand for the internet and a private network.
const (
	publicAddress  = "127.0.0.2"
	privateAddress = "127.0.0.3"
)

// remote has those addresses count as what they stand for.
func remote(address netip.Addr) (ipclass.Place, string) {
	switch address.Unmap().String() {
	case publicAddress:
		return ipclass.Public, ""
	case privateAddress:
		return ipclass.Private, "private"
	}
	return ipclass.Find(address)
}

// station is a registry with its token service at one address, which has one image
// and can redirect steps of a pull.
type station struct {
	*httptest.Server
	redirects map[string]string // from the beginning of a path to a host

	mu   sync.Mutex
	seen []string // connections and requests
}

func newStation(t *testing.T, address string) *station {
	t.Helper()
	listener, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Skipf("this machine has no address %s: %v", address, err)
	}
	s := &station{redirects: map[string]string{}}
	s.Server = httptest.NewUnstartedServer(s)
	s.Listener.Close()
	s.Listener = listener
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.note("connection")
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func (s *station) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, what)
}

// take are the connections and requests since the last time.
func (s *station) take() (seen []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, s.seen = s.seen, nil
	return seen
}

func (s *station) host() string { return strings.TrimPrefix(s.URL, "http://") }

// The image.
const (
	configuration = `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`
	manifestForm  = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}`
)

// ServeHTTP implements http.Handler.
func (s *station) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.note(r.Method + " " + r.URL.Path)
	for path, to := range s.redirects {
		if strings.HasPrefix(r.URL.Path, path) && (path != "/v2/" || r.URL.Path == path) {
			target := *r.URL
			target.Scheme, target.Host = "http", to
			http.Redirect(w, r, target.String(), http.StatusTemporaryRedirect)
			return
		}
	}
	config := digestOf([]byte(configuration))
	manifest := fmt.Sprintf(manifestForm, config, len(configuration))
	switch {
	case r.URL.Path == "/token":
		fmt.Fprint(w, `{"token":"t","expires_in":300}`)
	case r.Header.Get("Authorization") != "Bearer t":
		realm := s.host()
		if elsewhere, found := s.redirects["realm"]; found {
			realm = elsewhere
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="station"`, realm))
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(r.URL.Path, "/v2/app/manifests/"):
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Header().Set(digestHeader, string(digestOf([]byte(manifest))))
		fmt.Fprint(w, manifest)
	case r.URL.Path == "/v2/app/blobs/"+string(config):
		fmt.Fprint(w, configuration)
	case r.URL.Path == "/v2/app/tags/list":
		fmt.Fprint(w, `{"name":"app","tags":["1"]}`)
	}
}

// reads does with a registry all that Tagwatch does, until something fails.
func reads(t *testing.T, client *Registry, host string) error {
	t.Helper()
	ref := image.Repository{Registry: host, Path: "app"}.Reference("1")
	if _, err := client.Head(t.Context(), ref); err != nil {
		return err
	}
	platform, err := image.ParsePlatform("linux/amd64") // read from the configuration
	if err != nil {
		return err
	}
	if _, err := client.Resolve(t.Context(), ref, "", platform); err != nil {
		return err
	}
	for _, err := range client.Tags(t.Context(), ref.Repository) {
		if err != nil {
			return err
		}
	}
	return nil
}

// steps are where a registry can lead a client: by its answer to a path, or by the
// token service that it names.
var steps = map[string]string{"handshake": "/v2/", "token service": "realm", "token": "/token", "manifest": "/v2/app/manifests/", "configuration": "/v2/app/blobs/", "tags": "/v2/app/tags/"}

// A registry on the internet cannot lead the client to a private network, at any
// step of a pull: nothing is sent there, and the error names who led whereto.
func TestPublicRegistryCannotLeadToAPrivateOne(t *testing.T) {
	for step, path := range steps {
		for _, hops := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s over %d", step, hops), func(t *testing.T) {
				client, public, between, private := isolated(t), newStation(t, publicAddress), newStation(t, publicAddress), newStation(t, privateAddress)
				client.near = remote
				public.redirects[path] = private.host()
				if hops == 2 {
					public.redirects[path], between.redirects[strings.Replace(path, "realm", "/token", 1)] = between.host(), private.host()
				}
				err := reads(t, client, public.host())
				if !errors.Is(err, errAddress) || !errors.Is(err, errkind.Invalid) ||
					!strings.Contains(err.Error(), public.host()) || !strings.Contains(err.Error(), private.host()) {
					t.Errorf("%v; want an error that names %s and %s", err, public.host(), private.host())
				}
				if seen := private.take(); len(seen) > 0 {
					t.Errorf("%s got %v", private.host(), seen)
				}
				if len(public.take()) < 2 || hops == 2 && len(between.take()) < 2 {
					t.Error("it was not led there")
				}
			})
		}
	}
}

// Where a registry may lead, it does: to others that are as far from the worker as
// it is itself, or farther.
func TestRegistriesLeadToOthers(t *testing.T) {
	for step, path := range steps {
		for _, way := range [][2]string{{publicAddress, publicAddress}, {privateAddress, privateAddress}, {privateAddress, publicAddress}} {
			t.Run(fmt.Sprintf("%s from %s to %s", step, way[0], way[1]), func(t *testing.T) {
				client, first, second := isolated(t), newStation(t, way[0]), newStation(t, way[1])
				client.near = remote
				first.redirects[path] = second.host()
				if err := reads(t, client, first.host()); err != nil {
					t.Error(err)
				}
				if seen := second.take(); !slices.ContainsFunc(seen, func(each string) bool { return each != "connection" }) {
					t.Errorf("%s got %v", second.host(), seen)
				}
			})
		}
	}
}
