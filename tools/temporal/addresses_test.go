package main

import (
	"net"
	"net/netip"
	"testing"
)

func TestFreePortsAreDistinctAndBindable(t *testing.T) {
	seen := map[netip.AddrPort]bool{}
	for range 200 {
		addr, err := freePort(loopback)
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Fatalf("%s was given twice", addr)
		}
		seen[addr] = true
	}
	for addr := range seen {
		listener, err := net.Listen("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
	}
}

func TestReachable(t *testing.T) {
	tests := []struct{ name, listens, want string }{
		{"one address", "127.0.0.1:7233", "127.0.0.1:7233"},
		{"all addresses", "0.0.0.0:7233", "127.0.0.1:7233"},
		{"all addresses, IPv6", "[::]:7233", "[::1]:7233"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := reachable(netip.MustParseAddrPort(test.listens)).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
