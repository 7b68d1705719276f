package packages

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/tagwatch/tagwatch/adapters/outbound"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

const connectTimeout = 10 * time.Second

// guard decides which addresses a registry's host may have. An internal registry may
// have private addresses. One that has a public address, or ever had one, may not:
// otherwise, control of its name would give access to the worker's network.
type guard struct {
	host   string
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	public atomic.Bool
}

func newGuard(host string) *guard {
	return &guard{host: host, lookup: net.DefaultResolver.LookupNetIP}
}

// dial connects to the registry or to a proxy, and checks the address of each
// connection right before it opens it.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", address, err)
	}
	inside, err := g.inside(ctx, host)
	if err != nil {
		return nil, err
	}
	connect := outbound.Checked(net.Dialer{Timeout: connectTimeout}, func(a netip.Addr) error { return check(a, inside) })
	return connect.DialContext(ctx, network, address)
}

// inside reports whether the host may have private addresses. Any other host than
// the registry's is the proxy that the environment names.
func (g *guard) inside(ctx context.Context, host string) (bool, error) {
	if host != g.host {
		return true, nil
	}
	addresses, err := g.lookup(ctx, "ip", host)
	if err != nil {
		return false, err
	}
	for _, address := range addresses {
		if place, _ := ipclass.Find(address); place == ipclass.Public || place == ipclass.Forbidden {
			g.public.Store(true)
		}
	}
	return !g.public.Load(), nil
}

// check refuses an address.
func check(address netip.Addr, inside bool) error {
	switch place, purpose := ipclass.Find(address); {
	case place == ipclass.Forbidden:
		return fmt.Errorf("the address %s is refused: a registry cannot have it (%s)", ipclass.Plain(address), purpose)
	case place != ipclass.Public && !inside:
		return fmt.Errorf("the address %s is refused: it is private, and the registry has a public one", ipclass.Plain(address))
	}
	return nil
}
