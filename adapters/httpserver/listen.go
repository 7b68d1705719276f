package httpserver

import (
	"net"
	"net/netip"
	"sync"

	"github.com/tagwatch/tagwatch/domain/ipclass"
)

const (
	// mostConnections bounds those of a listener.
	mostConnections = 512
	// mostOfOne bounds those of one address, so that one neighbor cannot keep the
	// others, and health checks, out.
	mostOfOne = 128
)

// Listen opens an address whose connections are counted: one above the limits is
// closed at once.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &counting{Listener: listener, open: map[netip.Addr]int{}}, nil
}

type counting struct {
	net.Listener
	mu   sync.Mutex
	all  int
	open map[netip.Addr]int
}

// Accept implements net.Listener.
func (c *counting) Accept() (net.Conn, error) {
	for {
		connection, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := ipclass.Client(connection.RemoteAddr().String())
		if c.take(client) {
			return &counted{Conn: connection, release: sync.OnceFunc(func() { c.release(client) })}, nil
		}
		_ = connection.Close()
	}
}

func (c *counting) take(client netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= mostConnections || c.open[client] >= mostOfOne {
		return false
	}
	c.all++
	c.open[client]++
	return true
}

func (c *counting) release(client netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.open[client]--; c.open[client] == 0 {
		delete(c.open, client)
	}
}

// counted is a connection that is open until it is closed.
type counted struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.release()
	return c.Conn.Close()
}
