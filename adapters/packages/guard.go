package packages

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

const connectTimeout = 10 * time.Second

// forbidden are networks where no registry can stand, beside link-local,
// unspecified and multicast addresses: those of cloud metadata, and those that
// hide another address.
var forbidden = prefixes("0.0.0.0/8", "240.0.0.0/4", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
	"fd00:ec2::254/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128", "2001::/32", "2002::/16", "64:ff9b:1::/48")

// internal are networks that cannot be reached from the internet, beside the
// private ones of RFC 1918 and RFC 4193 and loopback.
var internal = prefixes("100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "fec0::/10")

// nat64 stands for the IPv4 address in its last four bytes (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}

// guard decides which addresses a registry's host may have. One that the operator
// runs inside may have private addresses. One that has a public address, or ever
// had, may not: somebody who controls its name would reach the worker's network.
type guard struct {
	host   string
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	public atomic.Bool
}

func newGuard(host string) *guard {
	return &guard{host: host, lookup: net.DefaultResolver.LookupNetIP}
}

// dial connects to the registry or to a proxy, and checks the very address of
// each connection in the moment before it is opened.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", address, err)
	}
	inside, err := g.inside(ctx, host)
	if err != nil {
		return nil, err
	}
	connect := net.Dialer{
		Timeout: connectTimeout,
		ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return fmt.Errorf("read the resolved address: %w", err)
			}
			return check(target.Addr(), inside)
		},
	}
	return connect.DialContext(ctx, network, address)
}

// inside tells whether the host may have private addresses. A host that is not
// the registry's is that of the proxy which the environment names.
func (g *guard) inside(ctx context.Context, host string) (bool, error) {
	if host != g.host {
		return true, nil
	}
	addresses, err := g.lookup(ctx, "ip", host)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(addresses, func(a netip.Addr) bool { return !isPrivate(plain(a)) }) {
		g.public.Store(true)
	}
	return !g.public.Load(), nil
}

// check refuses an address.
func check(address netip.Addr, inside bool) error {
	address = plain(address)
	switch {
	case isForbidden(address):
		return fmt.Errorf("the address %s is refused: no registry stands there", address)
	case isPrivate(address) && !inside:
		return fmt.Errorf("the address %s is refused: it is private, and the registry has a public one", address)
	}
	return nil
}

func isForbidden(a netip.Addr) bool {
	return a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || within(forbidden, a)
}

func isPrivate(a netip.Addr) bool { return a.IsPrivate() || a.IsLoopback() || within(internal, a) }

func within(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// plain is the address that a connection really goes to: an IPv4 address out of
// its wrappings in IPv6, and no zone.
func plain(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	if nat64.Contains(address) {
		bytes := address.As16()
		return netip.AddrFrom4([4]byte(bytes[12:]))
	}
	return address
}
