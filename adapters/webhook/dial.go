package webhook

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/tagwatch/tagwatch/adapters/outbound"
)

// dial connects only where the guard allows.
func (g guard) dial(resolver *net.Resolver) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("split %q: %w", address, err)
		}
		connect := outbound.Checked(net.Dialer{Timeout: connectTimeout, Resolver: resolver}, func(a netip.Addr) error { return g.check(host, a) })
		return connect.DialContext(ctx, network, address)
	}
}
