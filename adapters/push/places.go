package push

import (
	"net/netip"
	"sync"
)

// places bound what is served at the same time.
type places chan struct{}

func (p places) enter() bool {
	select {
	case p <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p places) leave() { <-p }

// shares are places of which one client has a part only.
type shares struct {
	most, mostOfOne int

	mu   sync.Mutex
	all  int
	held map[netip.Addr]int
}

func (s *shares) enter(client netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.most || s.held[client] >= s.mostOfOne {
		return false
	}
	s.all++
	s.held[client]++
	return true
}

func (s *shares) leave(client netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.held[client]--; s.held[client] == 0 {
		delete(s.held, client)
	}
}
