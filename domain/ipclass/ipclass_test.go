package ipclass_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/domain/ipclass"
)

func TestFind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, address string
		want          ipclass.Place
		says          string // of its purpose
	}{
		{"the internet", "93.184.216.34", ipclass.Public, ""},
		{"the internet over IPv6", "2606:2800:220:1::1", ipclass.Public, ""},
		{"the internet behind NAT64", "64:ff9b::93.184.216.34", ipclass.Public, ""},
		{"the first after a private network", "172.32.0.0", ipclass.Public, ""},
		{"private", "10.1.2.3", ipclass.Private, "RFC 1918"},
		{"private, the last of its network", "172.31.255.255", ipclass.Private, "RFC 1918"},
		{"private, mapped into IPv6", "::ffff:192.168.1.1", ipclass.Private, "RFC 1918"},
		{"private, behind NAT64", "64:ff9b::10.0.0.1", ipclass.Private, "RFC 1918"},
		{"carriers", "100.64.0.1", ipclass.Private, "carriers"},
		{"unique local", "fd12::1", ipclass.Private, "unique local"},
		{"loopback", "127.8.9.10", ipclass.Loopback, "loopback"},
		{"loopback of IPv6", "::1", ipclass.Loopback, "loopback"},
		{"loopback, mapped into IPv6", "::ffff:127.0.0.1", ipclass.Loopback, "loopback"},
		{"unspecified", "0.0.0.0", ipclass.Forbidden, "unspecified"},
		{"unspecified of IPv6", "::", ipclass.Forbidden, "unspecified"},
		{"metadata", "169.254.169.254", ipclass.Forbidden, "metadata"},
		{"metadata, compatible with IPv4", "::169.254.169.254", ipclass.Forbidden, "metadata"},
		{"metadata, behind NAT64", "64:ff9b::a9fe:a9fe", ipclass.Forbidden, "metadata"},
		{"metadata, by SIIT", "::ffff:0:169.254.169.254", ipclass.Forbidden, "metadata"},
		{"private, by SIIT", "::ffff:0:a00:1", ipclass.Private, "RFC 1918"},
		{"loopback, by SIIT", "::ffff:0:7f00:1", ipclass.Loopback, "loopback"},
		{"the internet, by SIIT", "::ffff:0:93.184.216.34", ipclass.Public, ""},
		{"metadata, by a local translation", "64:ff9b:1::a9fe:a9fe", ipclass.Forbidden, "RFC 8215"},
		{"metadata in a 6to4 tunnel", "2002:a9fe:a9fe::1", ipclass.Forbidden, "6to4"},
		{"metadata among the carriers' addresses", "100.100.100.200", ipclass.Forbidden, "Alibaba"},
		{"metadata among protocol assignments", "192.0.0.192", ipclass.Forbidden, "Oracle"},
		{"metadata among public addresses", "168.63.129.16", ipclass.Forbidden, "Azure"},
		{"metadata among unique local addresses", "fd00:ec2::254", ipclass.Forbidden, "AWS"},
		{"link-local with a zone", "fe80::1%eth0", ipclass.Forbidden, "link-local"},
		{"multicast", "ff02::1", ipclass.Forbidden, "multicast"},
		{"broadcast", "255.255.255.255", ipclass.Forbidden, "broadcast"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, purpose := ipclass.Find(netip.MustParseAddr(test.address))
			if got != test.want || !strings.Contains(purpose, test.says) || (purpose == "") != (got == ipclass.Public) {
				t.Errorf("%s: place %d (%q), want %d (%q)", test.address, got, purpose, test.want, test.says)
			}
		})
	}
}
