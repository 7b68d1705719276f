package packages

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address         string
		outside, inside bool // allowed for a registry outside, inside
	}{
		{"93.184.216.34", true, true},
		{"2606:2800:220:1::1", true, true},
		{"127.0.0.1", false, true},
		{"10.1.2.3", false, true},
		{"172.16.0.1", false, true},
		{"192.168.1.1", false, true},
		{"100.64.0.1", false, true},
		{"::1", false, true},
		{"fd12::1", false, true},
		{"::ffff:10.1.2.3", false, true},
		{"64:ff9b::10.1.2.3", false, true},
		{"0.0.0.0", false, false},
		{"169.254.169.254", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"64:ff9b::169.254.169.254", false, false},
		{"2002:a9fe:a9fe::1", false, false},
		{"fe80::1%eth0", false, false},
		{"100.100.100.200", false, false},
		{"fd00:ec2::254", false, false},
		{"224.0.0.1", false, false},
		{"255.255.255.255", false, false},
		{"ff02::1", false, false},
		{"::", false, false},
	} {
		address := netip.MustParseAddr(test.address)
		if got := check(address, false) == nil; got != test.outside {
			t.Errorf("%s for a registry outside: allowed = %t, want %t", test.address, got, test.outside)
		}
		if got := check(address, true) == nil; got != test.inside {
			t.Errorf("%s for a registry inside: allowed = %t, want %t", test.address, got, test.inside)
		}
	}
}

// A name that comes to stand for private addresses reaches none of them.
func TestInside(t *testing.T) {
	t.Parallel()
	outside, within := netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("10.0.0.1")
	for name, test := range map[string]struct {
		host    string
		answers [][]netip.Addr // to one check-up after the other
		want    bool           // after the last
	}{
		"private":             {"registry", [][]netip.Addr{{within}, {within}}, true},
		"public":              {"registry", [][]netip.Addr{{outside}}, false},
		"both":                {"registry", [][]netip.Addr{{within, outside}}, false},
		"public, then not":    {"registry", [][]netip.Addr{{outside}, {within}}, false},
		"proxy at any place":  {"proxy", [][]netip.Addr{{outside}}, true},
		"address as the host": {"registry", [][]netip.Addr{{netip.MustParseAddr("127.0.0.1")}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard("registry")
			var got bool
			for _, answer := range test.answers {
				g.lookup = func(context.Context, string, string) ([]netip.Addr, error) { return answer, nil }
				var err error
				if got, err = g.inside(t.Context(), test.host); err != nil {
					t.Fatal(err)
				}
			}
			if got != test.want {
				t.Errorf("inside = %t, want %t", got, test.want)
			}
		})
	}
}

// The guard stands between the client and the network.
func TestGuardedClient(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{NPM: "http://169.254.169.254/latest/meta-data"}); !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "is refused") {
		t.Errorf("error = %v, want a refusal", err)
	}
	local := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(local.Close)
	registries, err := New(Options{NPM: local.URL})
	if err != nil {
		t.Fatal(err)
	}
	if feed, err := registries.NPM(t.Context(), []string{"lodash"}); feed == nil || err != nil {
		t.Errorf("feed %v, error %v; want a registry at a private address to be asked", feed, err)
	}
}

func TestGuardReportsNamesThatDoNotResolve(t *testing.T) {
	t.Parallel()
	g := newGuard("registry")
	missing := &net.DNSError{Err: "no such host", Name: "registry", IsNotFound: true}
	g.lookup = func(context.Context, string, string) ([]netip.Addr, error) { return nil, missing }
	if _, err := g.dial(t.Context(), "tcp", "registry:443"); !errors.Is(err, missing) {
		t.Errorf("error = %v, want %v", err, missing)
	}
}

// Behind a proxy, what a name says by itself is all that can be checked.
func TestNamesOfAddresses(t *testing.T) {
	t.Parallel()
	for host, refused := range map[string]bool{
		"169.254.169.254": true, "2852039166": true, "0xa9fea9fe": true, "metadata.google.internal.": true, "[fe80::1]": true,
		"packages.example.org": false, "10.0.0.1": false, "localhost": false,
	} {
		_, err := newClient(&url.URL{Scheme: "https", Host: host}, Options{})
		if errors.Is(err, errkind.Invalid) != refused {
			t.Errorf("%s: %v, want refused = %t", host, err, refused)
		}
	}
}
