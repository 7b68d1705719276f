package webhook

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/tagwatch/tagwatch/domain/fault"
)

// network is a range of addresses and what it is for.
type network struct {
	netip.Prefix
	purpose string
}

// forbidden are the networks where no receiver can stand, and those where a
// request would reach something that trusts its neighbours. No rule allows them.
var forbidden = networks(
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
	"64:ff9b:1::/48", "a local translation to IPv4, which hides an address (RFC 8215)",
)

// private are the networks that cannot be reached from the internet.
var private = networks(
	"127.0.0.0/8", "loopback (RFC 1122)",
	"10.0.0.0/8", "private (RFC 1918)",
	"172.16.0.0/12", "private (RFC 1918)",
	"192.168.0.0/16", "private (RFC 1918)",
	"100.64.0.0/10", "shared by carriers (RFC 6598)",
	"192.0.0.0/24", "protocol assignments (RFC 6890)",
	"198.18.0.0/15", "benchmarks (RFC 2544)",
	"::1/128", "loopback (RFC 4291)",
	"fc00::/7", "unique local (RFC 4193)",
	"fec0::/10", "site-local (RFC 3879)",
)

// Networks whose addresses stand for one of IPv4 in their last four bytes.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	compatible = netip.MustParsePrefix("::/96")        // RFC 4291, 2.5.5.1
)

func networks(pairs ...string) []network {
	var list []network
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, network{netip.MustParsePrefix(pairs[i]), pairs[i+1]})
	}
	return list
}

// plain is the address that a connection really goes to: an IPv4 address out of
// its wrappings in IPv6, and no zone.
func plain(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	bytes := address.As16()
	embedded := netip.AddrFrom4([4]byte(bytes[12:]))
	wrapped := nat64.Contains(address) || compatible.Contains(address) && embedded.As4()[0] != 0
	if wrapped && address.Is6() {
		return embedded
	}
	return address
}

// guard decides which addresses a webhook may reach.
type guard struct {
	allow, deny rules
	denyPrivate bool
}

// check refuses a connection to address, to which host was resolved.
func (g guard) check(host string, address netip.Addr) error {
	address = plain(address)
	if n, found := find(forbidden, address); found {
		return refusal{address, n.purpose + "; no webhook may reach it"}
	}
	if g.allow.match(host, address) {
		return nil
	}
	if g.deny.match(host, address) {
		return refusal{address, "denied by configuration"}
	}
	if n, found := find(private, address); found && g.denyPrivate {
		return refusal{address, n.purpose + ", and private addresses are denied by configuration"}
	}
	return nil
}

func find(list []network, address netip.Addr) (network, bool) {
	for _, n := range list {
		if n.Contains(address) {
			return n, true
		}
	}
	return network{}, false
}

// refusal is the error of an address that the guard does not let through.
type refusal struct {
	address netip.Addr
	reason  string
}

func (r refusal) Error() string {
	return fmt.Sprintf("the address %s is refused: %s", r.address, r.reason)
}

// rules are the patterns of one of the lists.
type rules struct {
	all      bool
	prefixes []netip.Prefix
	hosts    []string // lower-case; with a dot in front for everything below
}

func parseRules(list string, patterns []string) (rules, error) {
	var r rules
	for _, pattern := range patterns {
		if err := r.add(strings.ToLower(strings.TrimSpace(pattern))); err != nil {
			return rules{}, fmt.Errorf("webhook %s list: %w", list, err)
		}
	}
	return r, nil
}

func (r *rules) add(pattern string) error {
	if pattern == "all" {
		r.all = true
		return nil
	}
	if prefix, err := netip.ParsePrefix(pattern); err == nil {
		r.prefixes = append(r.prefixes, prefix.Masked())
		return nil
	}
	if address, err := netip.ParseAddr(pattern); err == nil {
		address = plain(address)
		r.prefixes = append(r.prefixes, netip.PrefixFrom(address, address.BitLen()))
		return nil
	}
	name := strings.TrimPrefix(pattern, "*")
	if name == "" || strings.ContainsAny(name, "/*:@ ") {
		return fmt.Errorf("%q is no network, address, host name, *.domain or all: %w", pattern, fault.Invalid)
	}
	r.hosts = append(r.hosts, name)
	return nil
}

func (r rules) match(host string, address netip.Addr) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, name := range r.hosts {
		if host == name || strings.HasPrefix(name, ".") && strings.HasSuffix(host, name) {
			return true
		}
	}
	for _, prefix := range r.prefixes {
		if prefix.Contains(address) {
			return true
		}
	}
	return r.all
}
