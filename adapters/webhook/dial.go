package webhook

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/tagwatch/tagwatch/adapters/outbound"
)

// dialer connects only where its guard allows. It checks the very address of
// each connection in the moment before it is opened, after all resolving, so
// that a name whose address changes between check and use gains nothing.
type dialer struct {
	guard    guard
	resolver *net.Resolver
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("split %q: %w", address, err)
	}
	connect := outbound.Checked(net.Dialer{Timeout: connectTimeout, Resolver: d.resolver},
		func(a netip.Addr) error { return d.guard.check(host, a) })
	return connect.DialContext(ctx, network, address)
}
