// Package outbound holds what all clients of other servers share: certificate
// authorities, checks of addresses, limits of answers, and the proxies that the
// environment names.
package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"

	"golang.org/x/net/http/httpproxy"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

// ErrNoCertificate is the error for a text without any certificate in PEM form.
var ErrNoCertificate = errors.New("no PEM certificate found")

// Roots are the system's certificate authorities and those of the PEM texts.
func Roots(texts ...[]byte) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil { // this machine has none that can be read
		roots = x509.NewCertPool()
	}
	for _, text := range texts {
		if !roots.AppendCertsFromPEM(text) {
			return nil, ErrNoCertificate
		}
	}
	return roots, nil
}

// RootsFile is Roots with the content of a file; errkind.Invalid if it holds no
// certificate.
func RootsFile(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := Roots(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", file, errkind.Invalid, err)
	}
	return roots, nil
}

// Transport honours the proxy variables of the environment and, where a file is
// named, trusts its certificate authorities too.
func Transport(caFile string) (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if caFile == "" {
		return transport, nil
	}
	roots, err := RootsFile(caFile)
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return transport, err
}

// Bounded fails with errkind.Limit when it reads more bytes than the limit.
func Bounded(reader io.Reader, limit int64) io.Reader {
	return &bounded{reader: reader, left: limit, limit: limit}
}

type bounded struct {
	reader      io.Reader
	left, limit int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("more than %d bytes: %w", b.limit, errkind.Limit)
	}
	return n, err
}

// Checked is a dialer that calls check with each address right before it
// connects. The address is the resolved one, so a name that resolves to another
// address between check and use gains nothing.
func Checked(dialer net.Dialer, check func(netip.Addr) error) net.Dialer {
	dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("read the resolved address: %w", err)
		}
		return check(target.Addr())
	}
	return dialer
}

// EnvironmentProxies are the addresses (host:port) of the proxies that
// HTTP_PROXY and HTTPS_PROXY name.
func EnvironmentProxies() map[string]bool {
	config := httpproxy.FromEnvironment()
	proxies := map[string]bool{}
	for _, text := range []string{config.HTTPProxy, config.HTTPSProxy} {
		if proxy, err := url.Parse(text); err == nil && proxy.Hostname() != "" {
			proxies[HostPort(proxy)] = true
		}
	}
	return proxies
}

// HostPort is the host of a URL with its port, or with the default port of its
// scheme.
func HostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
