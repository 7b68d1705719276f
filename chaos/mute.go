package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// muteReceivers accept connections and never answer.
type muteReceivers struct {
	listeners []net.Listener

	mu       sync.Mutex
	accepted []net.Conn
	reached  map[net.Listener]bool
}

const (
	mutes = 100
	// muteTimeout is how long an attempt at one takes: nothing that waits for a hundred
	// of them comes in time.
	muteTimeout = time.Minute
)

// newMuteReceivers starts them, and an endpoint for each.
func newMuteReceivers(ctx context.Context, w *world) (*muteReceivers, error) {
	m := &muteReceivers{reached: map[net.Listener]bool{}}
	for n := range mutes {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return m, err
		}
		m.listeners = append(m.listeners, listener)
		go m.accept(listener)
		if _, err := w.command(ctx, "endpoint", "add", "--replace", "--timeout", muteTimeout.String(), muteName(n), "http://"+listener.Addr().String()); err != nil {
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
		m.accepted, m.reached[listener] = append(m.accepted, connection), true
		m.mu.Unlock()
	}
}

// connected is how many of them have accepted a connection.
func (m *muteReceivers) connected() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.reached)
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
