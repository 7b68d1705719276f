// Package ipclass classifies IP addresses: which ones a connection to a user-supplied URL,
// such as a webhook's or a registry's, must not reach.
package ipclass

import (
	"net/netip"
	"slices"
)

// Place is the class of an address, from far to near.
type Place int

// The places.
const (
	Public    Place = iota // the internet
	Private                // networks that cannot be reached from the internet
	Loopback               // this machine
	Forbidden              // not a host, or a service that trusts its clients, such as cloud metadata
)

// network is a range of addresses and what it is for.
type network struct {
	netip.Prefix
	place   Place
	purpose string
}

// networks are all that are not public. Where one lies in another, the first
// counts. See https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry.
var networks = slices.Concat(
	of(Forbidden,
		"0.0.0.0/8", "this host, unspecified (RFC 1122)",
		"169.254.0.0/16", "link-local, where cloud metadata is served (RFC 3927)",
		"100.100.100.200/32", "cloud metadata (Alibaba)",
		"168.63.129.16/32", "cloud metadata (Azure)",
		"192.0.0.192/32", "cloud metadata (Oracle)",
		"224.0.0.0/4", "multicast (RFC 5771)",
		"255.255.255.255/32", "broadcast (RFC 919)",
		"240.0.0.0/4", "reserved (RFC 1112)",
		"::/128", "unspecified (RFC 4291)",
		"fe80::/10", "link-local (RFC 4291)",
		"fd00:ec2::254/128", "cloud metadata (AWS)",
		"fd20:ce::254/128", "cloud metadata (Google)",
		"fd00:c1::a9fe:a9fe/128", "cloud metadata (Oracle)",
		"ff00::/8", "multicast (RFC 4291)",
		"100::/64", "discarded (RFC 6666)",
		"2001::/32", "a Teredo tunnel, which hides an IPv4 address (RFC 4380)",
		"2002::/16", "a 6to4 tunnel, which hides an IPv4 address (RFC 3056)",
		"64:ff9b:1::/48", "a local translation to IPv4, which hides an address (RFC 8215)"),
	of(Loopback,
		"127.0.0.0/8", "loopback (RFC 1122)",
		"::1/128", "loopback (RFC 4291)"),
	of(Private,
		"10.0.0.0/8", "private (RFC 1918)",
		"172.16.0.0/12", "private (RFC 1918)",
		"192.168.0.0/16", "private (RFC 1918)",
		"100.64.0.0/10", "shared by carriers (RFC 6598)",
		"192.0.0.0/24", "protocol assignments (RFC 6890)",
		"198.18.0.0/15", "benchmarks (RFC 2544)",
		"fc00::/7", "unique local (RFC 4193)",
		"fec0::/10", "site-local (RFC 3879)"),
)

// of makes networks of pairs of a range and its purpose.
func of(place Place, pairs ...string) (list []network) {
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, network{netip.MustParsePrefix(pair[0]), place, pair[1]})
	}
	return list
}

// Find is the class of an address, and the purpose of its network; "" for the internet.
func Find(address netip.Addr) (place Place, purpose string) {
	address = Plain(address)
	for _, n := range networks {
		if n.Contains(address) {
			return n.place, n.purpose
		}
	}
	return Public, ""
}

// Networks whose addresses stand for one of IPv4 in their last four bytes.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052
	siit       = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765, 2.1
	compatible = netip.MustParsePrefix("::/96")           // RFC 4291, 2.5.5.1
)

// Plain is the address that a connection really goes to: an IPv4 address out of
// its wrappings in IPv6, and no zone.
func Plain(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	bytes := address.As16()
	embedded := netip.AddrFrom4([4]byte(bytes[12:]))
	wrapped := nat64.Contains(address) || siit.Contains(address) || compatible.Contains(address) && embedded.As4()[0] != 0
	if wrapped && address.Is6() {
		return embedded
	}
	return address
}

// Client identifies the client of an address with a port, for limits by client: for IPv6 by
// its network, because a client has 2^64 addresses. All without such an address are one.
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
