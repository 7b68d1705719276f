package page

import (
	"net/netip"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/tagwatch/tagwatch/domain/ipclass"
)

const (
	// guessesPerSecond and guessesAtOnce limit how many wrong tokens of one client
	// are answered as such.
	guessesPerSecond, guessesAtOnce = 1, 20
	// mostGuessing bounds the clients whose guesses are counted.
	mostGuessing = 4096
)

// guesses counts wrong tokens by client, of the clients that guessed last.
type guesses struct {
	clients *lru.Cache[netip.Addr, *rate.Limiter]
}

func newGuesses() guesses {
	clients, _ := lru.New[netip.Addr, *rate.Limiter](mostGuessing) // fails for no positive size
	return guesses{clients}
}

// allow counts one more, and reports whether it is within the limit.
func (g guesses) allow(remote string) bool {
	client := ipclass.Client(remote)
	limiter, found := g.clients.Get(client)
	if !found {
		limiter = rate.NewLimiter(guessesPerSecond, guessesAtOnce)
		if other, raced, _ := g.clients.PeekOrAdd(client, limiter); raced {
			limiter = other
		}
	}
	return limiter.Allow()
}
