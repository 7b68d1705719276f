package httpserver

import (
	"net"
	"sync"

	"github.com/tagwatch/tagwatch/domain/ipclass"
)

const (
	// mostConnections bounds those of a listener.
	mostConnections = 512
	// mostOfOne bounds those of one address, so that health checks still get in.
	mostOfOne = 128
)

// Listen opens an address whose connections are counted: one above the limits is
// closed at once.
func Listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return counting{listener, NewPlaces(mostConnections, mostOfOne)}, nil
}

type counting struct {
	net.Listener
	places *Places
}

// Accept implements net.Listener.
func (c counting) Accept() (net.Conn, error) {
	for {
		connection, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		client := ipclass.Client(connection.RemoteAddr().String())
		if c.places.Enter(client) {
			return &counted{Conn: connection, release: sync.OnceFunc(func() { c.places.Leave(client) })}, nil
		}
		_ = connection.Close()
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
