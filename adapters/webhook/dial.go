package webhook

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
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
	connect := net.Dialer{
		Timeout:  connectTimeout,
		Resolver: d.resolver,
		ControlContext: func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return fmt.Errorf("read the resolved address: %w", err)
			}
			return d.guard.check(host, target.Addr())
		},
	}
	return connect.DialContext(ctx, network, address)
}
