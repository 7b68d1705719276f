package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

// reach is how close to the worker the addresses are that a connection may go to.
type reach int

const (
	reachPublic   reach = iota // the internet only
	reachPrivate               // and private networks
	reachLoopback              // and the worker's own machine
)

// errAddress reports that a connection was refused because of where it leads.
var errAddress = errors.New("address is not allowed")

// transports makes the transports of one host, each with its pool of
// connections. Requests that the host redirects elsewhere use one of their own
// for each reach, so that a narrow request never meets a connection that a wide
// one opened, and have no client certificate.
type transports struct {
	home literal // to the host itself
	away map[reach]literal
}

func newTransports(settings hostSettings, within reach, near nearness) transports {
	config := settings.tls()
	made := transports{home: newTransport(settings, config, near.within(within)), away: map[reach]literal{}}
	elsewhere := config.Clone()
	elsewhere.GetClientCertificate, elsewhere.InsecureSkipVerify = nil, false
	for _, within := range []reach{reachPublic, reachPrivate, reachLoopback} {
		made.away[within] = newTransport(settings, elsewhere.Clone(), near.within(within))
	}
	return made
}

// retire closes what is not in use, and the rest once it is not.
func (t transports) retire() {
	t.home.CloseIdleConnections()
	for _, away := range t.away {
		away.CloseIdleConnections()
	}
}

func newTransport(settings hostSettings, config *tls.Config, admit func(netip.Addr) error) literal {
	return literal{&http.Transport{
		DisableCompression:     true, // a label would change the bytes that a digest names
		Proxy:                  settings.via,
		DialContext:            guardedDialer(admit, settings.proxy),
		TLSClientConfig:        config,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    2 * max(8, settings.concurrency),
		IdleConnTimeout:        2 * time.Minute,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}}
}

// guardedDialer checks the address after the name was resolved, so that a name
// cannot resolve to something else between check and use.
func guardedDialer(admit func(netip.Addr) error, proxy *url.URL) func(ctx context.Context, network, address string) (net.Conn, error) {
	open := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	checked := outbound.Checked(open, admit)
	proxies := outbound.EnvironmentProxies()
	if proxy != nil && proxy.Host != "" {
		proxies[outbound.HostPort(proxy)] = true
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if proxies[address] {
			return open.DialContext(ctx, network, address)
		}
		return checked.DialContext(ctx, network, address)
	}
}

// nearness finds the class of an address: ipclass.Find.
type nearness func(netip.Addr) (ipclass.Place, string)

// within refuses addresses beyond a reach, and in any case those where no registry
// can stand or clouds hand out credentials.
func (n nearness) within(limit reach) func(netip.Addr) error {
	return func(address netip.Addr) error {
		place, _ := n(address)
		if place == ipclass.Forbidden && !address.Unmap().IsUnspecified() || n.reachOf(address) > limit {
			return fmt.Errorf("%s: %w", address.Unmap(), errAddress)
		}
		return nil
	}
}

// reachOf is the least reach that admits an address. The unspecified address leads
// to the machine itself.
func (n nearness) reachOf(address netip.Addr) reach {
	switch place, _ := n(address); {
	case place == ipclass.Loopback, address.Unmap().IsUnspecified():
		return reachLoopback
	case place == ipclass.Private:
		return reachPrivate
	}
	return reachPublic
}
