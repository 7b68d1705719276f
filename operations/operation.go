// Package operations is what people and programs can ask of Tagwatch, and have it
// change. Each operation is one value: its address in the HTTP API, the scope that it
// needs, and the function that carries it out. The command line and the HTTP API run
// the same values, so that a rule about names, values or access is checked once, here.
//
// Requests and answers are plain structures. The tags of a request's fields say where
// the HTTP API finds them: query for those of the address, json for those of the body.
package operations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// Operation is one thing that can be asked for. The request of one whose method is POST
// is the body, that of others is in the address.
type Operation[Request, Answer any] struct {
	// Name identifies it, as in list-tags.
	Name string
	// Summary is what it does, in one line.
	Summary string
	// Method and Path are its address below /api/v1.
	Method, Path string
	// Scope is what its caller must be allowed.
	Scope token.Scope
	// Whole is about the whole installation: a caller with bounds is refused.
	Whole bool
	// Accepted reports that the work goes on after the answer.
	Accepted bool
	// Creates takes an idempotency key: the same request with the same key is carried out
	// once.
	Creates bool
	// Large takes policy bundles or documents, which are larger than other requests.
	Large bool
	// Secret reports that the answer has a secret, which is not kept for the same key.
	Secret bool

	do func(context.Context, *System, Request) (Answer, error)
}

// Run carries the operation out, here or at the system's server.
func (o Operation[Request, Answer]) Run(ctx context.Context, s *System, request Request) (Answer, error) {
	if s.Remote != nil {
		return o.runAt(ctx, s.Remote, request)
	}
	if err := o.Admit(s); err != nil {
		var none Answer
		return none, err
	}
	return o.do(ctx, s, request)
}

// Admit refuses a caller that is not allowed the operation.
func (o Operation[Request, Answer]) Admit(s *System) error { return s.admit(o.Scope, o.Whole) }

// System is what an operation works on, and for whom.
type System struct {
	// Remote carries operations out in place of everything below; nil for here.
	Remote Remote
	// Store opens the database when it is first needed.
	Store func(context.Context) (*store.Store, error)
	// Ask has a request reach Temporal, and a worker where it needs one, within a time
	// limit. doing says what for.
	Ask func(ctx context.Context, doing string, limit time.Duration, request func(context.Context, client.Client) error) error
	// Account is the one in notification bodies.
	Account string
	Now     time.Time
	// Caller is the name of the caller's token.
	Caller string
	// Scope and Bounds are what the caller is allowed.
	Scope  token.Scope
	Bounds token.Bounds
}

func (s *System) admit(needed token.Scope, whole bool) error {
	switch {
	case !s.Scope.Allows(needed):
		return &Refusal{Kind: errkind.Unauthorized, Text: fmt.Sprintf("this needs a token of scope %s, and the given one has scope %s", needed, s.Scope)}
	case whole && !s.Bounds.Whole():
		return &Refusal{Kind: errkind.Unauthorized, Text: "this is about the whole installation, and the given token is limited to some tags"}
	}
	return nil
}

// ask is Ask with a refusal for a worker or a Temporal that does not respond.
func (s *System) ask(ctx context.Context, doing string, limit time.Duration, request func(context.Context, client.Client) error) error {
	err := s.Ask(ctx, doing, limit, request)
	switch {
	case errors.Is(err, client.ErrUnattended):
		return &Refusal{Kind: errkind.Unavailable, Text: doing + ": no worker responded in time; one may still carry the request out", Cause: err}
	case errors.Is(err, client.ErrUnreachable):
		return &Refusal{Kind: errkind.Unavailable, Text: doing + ": Temporal is not reachable", Cause: err}
	}
	return err
}

const (
	// queryTimeout is how long a worker may take to respond to a query.
	queryTimeout = 5 * time.Second
	// requestTimeout is how long a worker may take for a request that involves a registry.
	requestTimeout = time.Minute
	// signalTimeout is how long Temporal may take for a signal.
	signalTimeout = 10 * time.Second
)
