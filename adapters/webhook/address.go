package webhook

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/ipclass"
)

// guard decides which addresses a webhook may reach.
type guard struct {
	allow, deny rules
	denyPrivate bool
}

// check refuses a connection to address, to which host was resolved.
func (g guard) check(host string, address netip.Addr) error {
	address = ipclass.Plain(address)
	place, purpose := ipclass.Find(address)
	if place == ipclass.Forbidden {
		return refusal{address.String(), purpose + "; no webhook may reach it"}
	}
	if g.allow.match(host, address) {
		return nil
	}
	if g.deny.match(host, address) {
		return refusal{address.String(), "denied by configuration"}
	}
	if place != ipclass.Public && g.denyPrivate {
		return refusal{address.String(), purpose + ", and private addresses are denied by configuration"}
	}
	return nil
}

// refusal is the error of an address that the guard rejects.
type refusal struct {
	host   string // or its address
	reason string
}

func (r refusal) Error() string {
	return fmt.Sprintf("the address %s is refused: %s", r.host, r.reason)
}

// rules are the patterns of the allow or the deny list.
type rules struct {
	all      bool
	prefixes []netip.Prefix
	hosts    []string // lower-case; a dot in front stands for all subdomains
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
		address = ipclass.Plain(address)
		r.prefixes = append(r.prefixes, netip.PrefixFrom(address, address.BitLen()))
		return nil
	}
	name := strings.TrimPrefix(pattern, "*")
	if name == "" || strings.ContainsAny(name, "/*:@ ") {
		return fmt.Errorf("%q is not a network, address, host name, *.domain or all: %w", pattern, errkind.Invalid)
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
