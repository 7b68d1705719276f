package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/tagwatch/tagwatch/domain/fault"
)

// reach is how close to the worker the addresses are that a connection may go to.
type reach int

const (
	reachPublic   reach = iota // the internet only
	reachPrivate               // and private networks
	reachLoopback              // and the worker's own machine
)

// errAddress tells that a connection was refused because of where it leads.
var errAddress = errors.New("address is not allowed")

// metadataAddresses serve credentials to whoever asks from inside a cloud, and
// lie outside the link-local range.
var metadataAddresses = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // AWS over IPv6
	netip.MustParseAddr("100.100.100.200"), // Alibaba
}

// newTransports makes one transport, with its pool of connections, for each
// reach: a narrow request never meets a connection that a wide one opened.
func newTransports(caFile string) (map[reach]http.RoundTripper, error) {
	roots, err := rootsWith(caFile)
	if err != nil {
		return nil, err
	}
	transports := map[reach]http.RoundTripper{}
	for _, within := range []reach{reachPublic, reachPrivate, reachLoopback} {
		transports[within] = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            guardedDialer(within),
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           256,
			MaxIdleConnsPerHost:    16,
			IdleConnTimeout:        2 * time.Minute,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  30 * time.Second,
			MaxResponseHeaderBytes: 256 << 10,
		}
	}
	return transports, nil
}

// rootsWith is nil, which means the system's authorities, without a file.
func rootsWith(caFile string) (*x509.CertPool, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificate authorities in %s: no PEM certificate found: %w", caFile, fault.Invalid)
	}
	return roots, nil
}

// guardedDialer checks the address after the name was resolved, so that a name
// cannot resolve to something else between check and use.
func guardedDialer(within reach) func(ctx context.Context, network, address string) (net.Conn, error) {
	open := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	guarded := open
	guarded.Control = func(_, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("dial %s: %w", address, errAddress)
		}
		return within.admit(target.Addr())
	}
	proxies := configuredProxies()
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if proxies[address] {
			return open.DialContext(ctx, network, address)
		}
		return guarded.DialContext(ctx, network, address)
	}
}

// configuredProxies are the addresses (host:port) of the proxies that the
// environment names. Whoever set them knows where they are.
func configuredProxies() map[string]bool {
	config := httpproxy.FromEnvironment()
	proxies := map[string]bool{}
	for _, text := range []string{config.HTTPProxy, config.HTTPSProxy} {
		if proxy, err := url.Parse(text); err == nil && proxy.Hostname() != "" {
			proxies[hostWithPort(proxy)] = true
		}
	}
	return proxies
}

func hostWithPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// admit refuses an address beyond the reach, and the addresses where clouds
// hand out credentials in any case.
func (within reach) admit(address netip.Addr) error {
	address = address.Unmap()
	if forbidden(address) || reachOf(address) > within {
		return fmt.Errorf("%s: %w", address, errAddress)
	}
	return nil
}

func forbidden(address netip.Addr) bool {
	if address.IsLinkLocalUnicast() || address.IsMulticast() {
		return true
	}
	for _, metadata := range metadataAddresses {
		if address == metadata {
			return true
		}
	}
	return false
}

// reachOf classifies an address. The unspecified address leads to the machine
// itself.
func reachOf(address netip.Addr) reach {
	switch address = address.Unmap(); {
	case address.IsLoopback(), address.IsUnspecified():
		return reachLoopback
	case address.IsPrivate():
		return reachPrivate
	}
	return reachPublic
}
