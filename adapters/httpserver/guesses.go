package httpserver

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

// Guesses counts wrong tokens by client, of the clients that guessed last.
type Guesses struct {
	clients *lru.Cache[netip.Addr, *rate.Limiter]
}

// NewGuesses counts from zero.
func NewGuesses() Guesses {
	clients, _ := lru.New[netip.Addr, *rate.Limiter](mostGuessing) // fails for no positive size
	return Guesses{clients}
}

// Allow counts one more wrong token of a client, by its remote address, and reports
// whether it is within the limit. A right token does not ask: it is admitted however
// many wrong ones came before.
func (g Guesses) Allow(remote string) bool {
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
