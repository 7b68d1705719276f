package api

import "sync"

// places bound the streams of this worker, and of each caller.
type places struct {
	mu   sync.Mutex
	all  int
	held map[string]int
}

// enter takes a place until the caller leaves; false without a free one.
func (p *places) enter(caller string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= mostStreams || p.held[caller] >= mostStreamsOfOne {
		return nil, false
	}
	p.all++
	p.held[caller]++
	return func() { p.leave(caller) }, true
}

func (p *places) leave(caller string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all--
	if p.held[caller]--; p.held[caller] == 0 {
		delete(p.held, caller)
	}
}
