package ipclass

import "net/netip"

// Client is who connects from an address with a port, for limits by client: of
// IPv6 the network, since whoever has one address has 2^64. All that have no such
// address are one client.
func Client(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	address := Plain(at.Addr())
	if address.Is4() || address.IsLoopback() {
		return address
	}
	network, _ := address.Prefix(64) // fits every address of IPv6
	return network.Addr()
}
