package outbound_test

import (
	"errors"
	"net"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/outbound"
)

func TestRootsFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if _, err := outbound.RootsFile(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives the error %v", err)
	}
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := outbound.RootsFile(file); !errors.Is(err, outbound.ErrNoCertificate) {
		t.Errorf("a file without a certificate gives the error %v", err)
	}
}

// Every address that a name resolves to is checked, and none is connected to
// that the check refuses.
func TestChecked(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	refused := errors.New("refused")
	for _, test := range []struct {
		name   string
		answer error
	}{{"allowed", nil}, {"refused", refused}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var checked []netip.Addr
			dialer := outbound.Checked(net.Dialer{}, func(address netip.Addr) error {
				checked = append(checked, address)
				return test.answer
			})
			connection, err := dialer.DialContext(t.Context(), "tcp4", net.JoinHostPort("localhost", port))
			if !errors.Is(err, test.answer) {
				t.Fatalf("dialed with error %v, want %v", err, test.answer)
			}
			if err == nil {
				connection.Close()
			}
			if len(checked) == 0 || !checked[0].IsLoopback() {
				t.Errorf("checked %v, want the resolved address", checked)
			}
		})
	}
}

func TestEnvironmentProxies(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example.com")
	t.Setenv("HTTPS_PROXY", "socks5://user:password@[2001:db8::1]")
	want := map[string]bool{"proxy.example.com:80": true, "[2001:db8::1]:1080": true}
	if diff := cmp.Diff(want, outbound.EnvironmentProxies()); diff != "" {
		t.Errorf("proxies (-want +got)\n%s", diff)
	}
}

func TestHostPort(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"https://a.example.com/x": "a.example.com:443", "http://a.example.com:8080": "a.example.com:8080"} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := outbound.HostPort(u); got != want {
			t.Errorf("%s is at %s, want %s", text, got, want)
		}
	}
}
