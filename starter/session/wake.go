package session

import (
	"context"

	"github.com/tagwatch/tagwatch/domain/watcher"
	"github.com/tagwatch/tagwatch/starter/exit"
)

// WakeEndpoints signals the queues of endpoints that something changed. They notice it by
// themselves later, so an unreachable Temporal is not an error.
func (s *Session) WakeEndpoints(ctx context.Context, names ...string) {
	linked, err := s.Temporal(ctx)
	if err != nil {
		s.Say("%s. The endpoint picks up the change later", exit.Sentence(err))
		return
	}
	for _, name := range names {
		if err := linked.Client.WakeEndpoint(ctx, name, watcher.WakeSettings); err != nil {
			s.Say("Endpoint %s picks up the change later: %s", name, exit.Sentence(err))
			return
		}
	}
}
