package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// muteReceivers accept connections and never answer.
type muteReceivers struct {
	listeners []net.Listener

	mu       sync.Mutex
	accepted []net.Conn
}

const mutes = 100

// newMuteReceivers starts them, and an endpoint for each.
func newMuteReceivers(ctx context.Context, w *world) (*muteReceivers, error) {
	m := &muteReceivers{}
	for n := range mutes {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return m, err
		}
		m.listeners = append(m.listeners, listener)
		go m.accept(listener)
		if _, err := w.command(ctx, "endpoint", "add", "--replace", muteName(n), "http://"+listener.Addr().String()); err != nil {
			return m, err
		}
	}
	return m, nil
}

func muteName(n int) string { return fmt.Sprintf("mute-%d", n) }

func (m *muteReceivers) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return // closed
		}
		m.mu.Lock()
		m.accepted = append(m.accepted, connection)
		m.mu.Unlock()
	}
}

func (m *muteReceivers) connections() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.accepted)
}

// close deletes the endpoints and ends the receivers.
func (m *muteReceivers) close(ctx context.Context, w *world) error {
	if m == nil {
		return nil
	}
	var failures []error
	for n, listener := range m.listeners {
		_, err := w.command(ctx, "endpoint", "delete", muteName(n))
		failures = append(failures, err, listener.Close())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, connection := range m.accepted {
		connection.Close()
	}
	w.mute = nil
	return errors.Join(failures...)
}
