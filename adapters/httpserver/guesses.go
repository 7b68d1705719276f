package httpserver

import (
	"context"
	"errors"
	"net/netip"
	"time"

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
	// turnTimeout is how long a client that guesses waits for its turn.
	turnTimeout = 5 * time.Second
)

// ErrManyGuesses is for a client whose turn does not come, because it sends too many wrong
// tokens at once.
var ErrManyGuesses = errors.New("too many wrong tokens at once")

// Guesses counts wrong tokens by client, of the clients that guessed last.
type Guesses struct {
	clients *lru.Cache[netip.Addr, *guessing]
}

// guessing is what is known of one client.
type guessing struct {
	limit *rate.Limiter
	// turn is taken by who looks a token up while the client is above the limit.
	turn chan struct{}
}

// NewGuesses counts from zero.
func NewGuesses() Guesses {
	clients, _ := lru.New[netip.Addr, *guessing](mostGuessing) // fails for no positive size
	return Guesses{clients}
}

func (g Guesses) of(remote string) *guessing {
	client := ipclass.Client(remote)
	known, found := g.clients.Get(client)
	if !found {
		known = &guessing{rate.NewLimiter(guessesPerSecond, guessesAtOnce), make(chan struct{}, 1)}
		if other, raced, _ := g.clients.PeekOrAdd(client, known); raced {
			known = other
		}
	}
	return known
}

// Allow counts one more wrong token of a client, by its remote address, and reports
// whether it is within the limit. A right token does not ask: it is admitted however
// many wrong ones came before.
func (g Guesses) Allow(remote string) bool { return g.of(remote).limit.Allow() }

// Turn comes before a token is looked up. Who is within the limit has it at once; the
// lookups of a client above it go one after the other, so that guesses do not occupy the
// database. It fails with ErrManyGuesses, or with the context. done ends the lookup.
func (g Guesses) Turn(ctx context.Context, remote string) (done func(), err error) {
	known := g.of(remote)
	if known.limit.Tokens() >= 1 {
		return func() {}, nil
	}
	waited := time.NewTimer(turnTimeout)
	defer waited.Stop()
	select {
	case known.turn <- struct{}{}:
		return func() { <-known.turn }, nil
	case <-waited.C:
		return nil, ErrManyGuesses
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
