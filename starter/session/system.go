package session

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/operations"
)

// System is what operations work on: a server, or the database and Temporal themselves,
// whose holder may do everything.
func (s *Session) System() *operations.System {
	system := &operations.System{Store: s.Store, Ask: s.ask, Account: s.Settings.Account, Now: s.Now, Scope: token.Admin}
	if s.Remote() {
		system.Remote = s.server
	}
	return system
}

func (s *Session) ask(ctx context.Context, doing string, limit time.Duration, request func(context.Context, client.Client) error) error {
	linked, err := s.Temporal(ctx)
	if err != nil {
		return err
	}
	return linked.Ask(ctx, doing, limit, func(ctx context.Context) error { return request(ctx, linked.Client) })
}
