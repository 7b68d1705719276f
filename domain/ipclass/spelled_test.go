package ipclass_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/tagwatch/tagwatch/domain/ipclass"
)

func TestSpelled(t *testing.T) {
	t.Parallel()
	for host, want := range map[string][]string{
		"169.254.169.254": {"169.254.169.254"}, "169.254.169.254.": {"169.254.169.254"}, "169.254.169.254..": {"169.254.169.254"},
		"2852039166": {"169.254.169.254"}, "0xa9fea9fe": {"169.254.169.254"}, "0XA9FEA9FE.": {"169.254.169.254"},
		"0xa9.0xfe.0xa9.0xfe": {"169.254.169.254"}, "169.16689662": {"169.254.169.254"}, "169.254.43518": {"169.254.169.254"},
		"025177524776": {"169.254.169.254"}, "0251.0376.0251.0376": {"169.254.169.254"},
		"0127.0.0.1": {"87.0.0.1", "127.0.0.1"}, "127.1": {"127.0.0.1"}, "0": {"0.0.0.0"}, "0x": {"0.0.0.0"},
		"[::ffff:169.254.169.254]": {"169.254.169.254"}, "64:ff9b::a9fe:a9fe": {"169.254.169.254"}, "::ffff:0:a9fe:a9fe": {"169.254.169.254"},
		"\uff11\uff12\uff17\u3002\uff10\u3002\uff10\u3002\uff11": {"127.0.0.1"}, "\u2460\u2461\u2466.0.0.1": {"127.0.0.1"},
		"localhost": {"127.0.0.1"}, "LocalHost.": {"127.0.0.1"}, "a.localhost": {"127.0.0.1"}, "ip6-localhost": {"127.0.0.1"},
		"metadata.google.internal.": {"169.254.169.254"}, "METADATA": {"169.254.169.254"}, "instance-data.ec2.internal": {"169.254.169.254"},
		"hooks.example.com": nil, "1.2.3.4.5": nil, "256.1.1.1": nil, "1.2.3.256": nil, "4294967296": nil, "a.1": nil, "": nil, "1..2": nil,
		"notlocalhost": nil, "metadata.example.com": nil,
	} {
		var addresses []netip.Addr
		for _, each := range want {
			addresses = append(addresses, netip.MustParseAddr(each))
		}
		if got := ipclass.Spelled(host); !slices.Equal(got, addresses) {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	for remote, want := range map[string]string{
		"10.0.0.1:80": "10.0.0.1", "[::ffff:10.0.0.1]:80": "10.0.0.1", "[::1]:80": "::1",
		"[2001:db8:1:2:3:4:5:6]:80": "2001:db8:1:2::", "[2001:db8:1:2::9]:1": "2001:db8:1:2::", "[fe80::1%eth0]:80": "fe80::",
	} {
		if got := ipclass.Client(remote); got != netip.MustParseAddr(want) {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
	if got := ipclass.Client("@"); got.IsValid() {
		t.Errorf("no address: %s", got)
	}
}
