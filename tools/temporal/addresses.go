package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// loopback is where the services reach each other, whatever the frontend listens on.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// addresses are the sockets of one run.
type addresses struct {
	frontend, ui              netip.AddrPort // ui is invalid without a Web UI
	history, matching, worker netip.AddrPort // for the services themselves: free ports, new at each start
}

// chooseAddresses checks the requested ports and picks free ones for the rest. The services bind later, and when they fail they end the
// process without naming a flag; hence the check.
func chooseAddresses(opts options) (addresses, error) {
	var a addresses
	var err error
	if a.frontend, err = bindable(opts.ip, opts.port, "--port"); err != nil {
		return a, err
	}
	if opts.uiPort != 0 {
		if a.ui, err = bindable(opts.ip, opts.uiPort, "--ui-port"); err != nil {
			return a, err
		}
	}
	for _, internal := range []*netip.AddrPort{&a.history, &a.matching, &a.worker} {
		if *internal, err = freePort(loopback); err != nil {
			return a, err
		}
	}
	return a, nil
}

// bindable is the address of a requested port, or of a free one.
func bindable(ip netip.Addr, port int, flag string) (netip.AddrPort, error) {
	if port == chosenPort {
		return freePort(ip)
	}
	addr := netip.AddrPortFrom(ip, uint16(port))
	listener, err := net.Listen("tcp", addr.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return addr, fmt.Errorf("%s %d: %w; stop what listens there or choose another %s", flag, port, err, flag)
	}
	if err != nil {
		return addr, fmt.Errorf("--ip %s with %s %d: %w", ip, flag, port, err)
	}
	return addr, listener.Close()
}

// freePort finds a port that the kernel does not give to others who need any free one: a connection that the listening side closes
// leaves the port in TIME_WAIT, not free for a minute, but bindable by number. So many servers can start at once.
func freePort(ip netip.Addr) (netip.AddrPort, error) {
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("find a free port on %s: %w", ip, err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	client, err := net.Dial("tcp", reachable(netip.AddrPortFrom(ip, port)).String())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("reserve port %d of %s: %w", port, ip, err)
	}
	defer client.Close()
	served, err := listener.Accept()
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("reserve port %d of %s: %w", port, ip, err)
	}
	return netip.AddrPortFrom(ip, port), served.Close()
}

// reachable is addr as a client on this machine dials it: a client cannot dial "all addresses".
func reachable(addr netip.AddrPort) netip.AddrPort {
	if !addr.Addr().IsUnspecified() {
		return addr
	}
	if addr.Addr().Is6() {
		return netip.AddrPortFrom(netip.IPv6Loopback(), addr.Port())
	}
	return netip.AddrPortFrom(loopback, addr.Port())
}
