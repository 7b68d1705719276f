package page

import (
	"net/netip"
	"sync"

	"golang.org/x/time/rate"

	"github.com/tagwatch/tagwatch/domain/ipclass"
)

const (
	// guessesPerSecond and guessesAtOnce are the wrong tokens of one client that are
	// answered as such.
	guessesPerSecond, guessesAtOnce = 1, 20
	// mostGuessing bounds the clients that are remembered.
	mostGuessing = 4096
)

// guesses counts wrong tokens by client. The zero value is ready.
type guesses struct {
	mu      sync.Mutex
	clients map[netip.Addr]*rate.Limiter
}

// allow counts one more, and reports whether it is within the limit.
func (g *guesses) allow(remote string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	client := ipclass.Client(remote)
	if g.clients[client] == nil {
		g.forget()
		g.clients[client] = rate.NewLimiter(guessesPerSecond, guessesAtOnce)
	}
	return g.clients[client].Allow()
}

// forget makes room: first those that have been quiet, then all.
func (g *guesses) forget() {
	if len(g.clients) < mostGuessing && g.clients != nil {
		return
	}
	for client, limiter := range g.clients {
		if limiter.Tokens() >= guessesAtOnce {
			delete(g.clients, client)
		}
	}
	if len(g.clients) >= mostGuessing || g.clients == nil {
		g.clients = map[netip.Addr]*rate.Limiter{}
	}
}
