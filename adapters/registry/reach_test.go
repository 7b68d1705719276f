package registry

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

func TestReachAdmits(t *testing.T) {
	t.Parallel()
	for address, least := range map[string]reach{
		"93.184.216.34": reachPublic, "2606:2800:220:1::1": reachPublic,
		"10.1.2.3": reachPrivate, "192.168.1.1": reachPrivate, "fd12::1": reachPrivate,
		"127.0.0.1": reachLoopback, "::1": reachLoopback, "0.0.0.0": reachLoopback, "::ffff:127.0.0.1": reachLoopback,
		"169.254.169.254": reachLoopback + 1, "::ffff:169.254.169.254": reachLoopback + 1, "fe80::1": reachLoopback + 1,
		"fd00:ec2::254": reachLoopback + 1, "100.100.100.200": reachLoopback + 1, "224.0.0.1": reachLoopback + 1,
		"64:ff9b::a9fe:a9fe": reachLoopback + 1, "168.63.129.16": reachLoopback + 1, "100.64.0.1": reachPrivate,
	} {
		for _, within := range []reach{reachPublic, reachPrivate, reachLoopback} {
			if got, want := nearness(ipclass.Find).within(within)(netip.MustParseAddr(address)) == nil, within >= least; got != want {
				t.Errorf("reach %d admits %s: %t, want %t", within, address, got, want)
			}
		}
	}
}

// A registry on the internet must not reach the worker's own machine, whatever
// the name in its redirect resolves to.
func TestPublicRegistryCannotReachLoopback(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	t.Cleanup(inside.Close)
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	public, err := client.host("registry.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, hostname := range []string{"127.0.0.1", "localhost"} {
		req := httptest.NewRequest(http.MethodGet, strings.Replace(inside.URL, "127.0.0.1", hostname, 1), nil)
		if _, err := (carrier{host: public}).RoundTrip(req); !errors.Is(err, errAddress) {
			t.Errorf("redirect to %s: error = %v, want %v", hostname, err, errAddress)
		}
	}
}

// A registry that another leads to is reached no closer to the worker than that one
// may lead, even if its own settings allow more.
func TestReachOfRegistriesBehindARedirect(t *testing.T) {
	t.Parallel()
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	t.Cleanup(inside.Close)
	client, err := New(Options{InsecureHosts: []string{"registry.example", "inside.example"}})
	if err != nil {
		t.Fatal(err)
	}
	public, err := client.host("registry.example")
	if err != nil {
		t.Fatal(err)
	}
	led, err := public.ledTo(&url.URL{Scheme: "http", Host: "inside.example", Path: "/v2/app/manifests/1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := led.transports.home.RoundTrip(httptest.NewRequest(http.MethodGet, inside.URL+"/v2/", nil)); !errors.Is(err, errAddress) {
		t.Errorf("a name that resolves to loopback: %v, want %v", err, errAddress)
	}
	for _, path := range []string{"/v2/", "/v2/app/manifests/1"} {
		if _, err := (carrier{host: public}).RoundTrip(httptest.NewRequest(http.MethodGet, inside.URL+path, nil)); !errors.Is(err, errAddress) {
			t.Errorf("redirect to %s: %v, want %v", path, err, errAddress)
		}
	}
}

// What leads to Docker Hub, by any of its hosts, shares its limit, which HEAD does
// not count against.
func TestDockerHubBehindARedirect(t *testing.T) {
	t.Parallel()
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	hub, err := client.host("docker.io")
	if err != nil {
		t.Fatal(err)
	}
	other, err := client.host("registry.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"registry-1.docker.io", "index.docker.io", "registry-1.docker.io:443"} {
		u := &url.URL{Scheme: "https", Host: host, Path: "/v2/library/nginx/manifests/1"}
		led, err := other.ledTo(u)
		if err != nil || led.name != image.DefaultRegistry || led.rateLimit != hub.rateLimit {
			t.Errorf("%s: %+v, %v", host, led, err)
		}
		for method, counts := range map[string]bool{http.MethodHead: false, http.MethodGet: true} {
			if got := led.counts(&http.Request{Method: method, URL: u}); got != counts {
				t.Errorf("%s %s counts: %t", method, host, got)
			}
		}
	}
}

func TestPlainHTTPNeedsLeave(t *testing.T) {
	t.Parallel()
	client, err := New(Options{InsecureHosts: []string{"registry.example:5000", "10.0.0.7"}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{
		"registry.example:5000": true, "registry.example": false, "registry.example:5001": false,
		"10.0.0.7": true, "10.0.0.7:5000": true, "10.0.0.8:5000": false,
		"localhost:5000": true, "127.0.0.1:5000": true, "[::1]:5000": true, "a.localhost": true, "localhost.example": false,
	} {
		if got := client.plainAllowed(host); got != want {
			t.Errorf("plainAllowed(%s) = %t, want %t", host, got, want)
		}
	}
	strict, err := client.host("10.0.0.8:5000")
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, "http://10.0.0.8:5000/v2/", nil)
	if _, err := (carrier{host: strict}).RoundTrip(req); !errors.Is(err, errPlain) {
		t.Errorf("plain HTTP to a host without leave: %v, want %v", err, errPlain)
	}
}

func TestPrivateCertificateAuthority(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(digestHeader, "sha256:"+strings.Repeat("a", 64))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	ref := image.Reference{Repository: image.Repository{Registry: strings.TrimPrefix(server.URL, "https://"), Path: "app"}, Tag: "1"}
	for _, test := range []struct {
		name, file string
		want       error
	}{{"trusted", file, nil}, {"unknown", "", errkind.Unavailable}} {
		client, err := New(Options{CAFile: test.file})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Head(t.Context(), ref); !errors.Is(err, test.want) {
			t.Errorf("%s authority: %v, want %v", test.name, err, test.want)
		}
	}
	if _, err := New(Options{CAFile: os.DevNull}); !errors.Is(err, errkind.Invalid) {
		t.Errorf("empty file of authorities: %v, want errkind.Invalid", err)
	}
}

func TestDockerHubKeepsOfficialImagesUnderLibrary(t *testing.T) {
	t.Parallel()
	client, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"nginx": "library/nginx", "docker.io/nginx": "library/nginx", "docker.io/library/nginx": "library/nginx",
		"team/nginx": "team/nginx", "ghcr.io/nginx": "nginx",
		"index.docker.io/nginx": "library/nginx", "registry-1.docker.io/nginx": "library/nginx", "registry.hub.docker.com/nginx": "library/nginx",
		"index.docker.io/library/nginx": "library/nginx", "Index.Docker.IO/nginx": "library/nginx", "docker.io:443/nginx": "library/nginx",
		"registry-1.docker.io/team/nginx": "team/nginx", "mirror.docker.io.example.com/nginx": "nginx",
	} {
		repository, err := image.ParseRepository(text)
		if err != nil {
			t.Fatal(err)
		}
		places, err := client.current.Load().places(repository, false)
		if err != nil || len(places) != 1 || places[0].path != want {
			t.Errorf("%s is looked for at %+v, %v; want the path %s", text, places, err, want)
		}
		if hub := places[0].host.name == image.DefaultRegistry; hub != strings.Contains(want, "/") {
			t.Errorf("%s is looked for at %s", text, places[0].host.name)
		}
	}
}

func TestVariantThatRunsBestIsSelected(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, platform, offered, want string }{
		{"exact before usual", "linux/arm64/v9", "linux/arm64 linux/arm64/v9", "linux/arm64/v9"},
		{"none means usual", "linux/arm", "linux/arm/v5 linux/arm/v7 linux/arm/v6", "linux/arm/v7"},
		{"older runs too", "linux/arm/v7", "linux/arm/v5 linux/arm/v6", "linux/arm/v6"},
		{"newer does not", "linux/arm/v6", "linux/arm/v7", ""},
		{"usual is not named", "linux/amd64/v1", "linux/amd64", "linux/amd64"},
		{"other system", "linux/amd64", "windows/amd64", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			wanted, err := image.ParsePlatform(test.platform)
			if err != nil {
				t.Fatal(err)
			}
			s := &search{platform: wanted}
			for _, offer := range strings.Fields(test.offered) {
				platform, err := image.ParsePlatform(offer)
				if err != nil {
					t.Fatal(err)
				}
				s.entries = append(s.entries, entry{platform: platform})
			}
			if got, _ := s.best(); got.platform.String() != test.want {
				t.Errorf("selected %q; want %q", got.platform, test.want)
			}
		})
	}
}
