package httpserver

import (
	"net/netip"
	"sync"
)

// Places bound what is under way at a time: in all, and for each client, so that
// one client cannot keep out the others.
type Places struct {
	most, mostOfOne int

	mu   sync.Mutex
	all  int
	held map[netip.Addr]int
}

// NewPlaces makes free places.
func NewPlaces(most, mostOfOne int) *Places {
	return &Places{most: most, mostOfOne: mostOfOne, held: map[netip.Addr]int{}}
}

// Enter takes a place; false without a free one.
func (p *Places) Enter(client netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= p.most || p.held[client] >= p.mostOfOne {
		return false
	}
	p.all++
	p.held[client]++
	return true
}

// Leave frees a place that the client took.
func (p *Places) Leave(client netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.held[client]--; p.held[client] == 0 {
		delete(p.held, client)
	}
}
