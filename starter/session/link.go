package session

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	sdk "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/tagwatch/tagwatch/client"
	"github.com/tagwatch/tagwatch/starter/exit"
)

const (
	// dialTimeout is how long Temporal may take to respond.
	dialTimeout = 4 * time.Second
	// QueryTimeout is how long a worker may take to respond to a query.
	QueryTimeout = 5 * time.Second
)

// Link is the connection to Temporal.
type Link struct {
	Client  client.Client
	Address string
	say     func(format string, arguments ...any)
}

// Temporal connects to Temporal when it is first needed.
func (s *Session) Temporal(ctx context.Context) (*Link, error) {
	if s.Linked != nil {
		return s.Linked, nil
	}
	if err := s.refuseRemote(); err != nil {
		return nil, err
	}
	options, err := TemporalOptions()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if options.Interceptors, err = s.Traces.Interceptors(); err != nil {
		return nil, err
	}
	defer s.Slowly("Connecting to Temporal at " + options.HostPort)()
	connected, err := sdk.DialContext(ctx, options)
	if err != nil {
		return nil, &exit.Unreachable{Address: options.HostPort, Cause: err}
	}
	s.Linked = &Link{Client: client.Client{Temporal: connected}, Address: options.HostPort, say: s.Say}
	return s.Linked, nil
}

func TemporalOptions() (sdk.Options, error) {
	options, err := client.Options()
	if err != nil {
		return options, exit.Usage("invalid Temporal connection settings (TEMPORAL_... or the configuration file): %w", err)
	}
	if options.HostPort == "" {
		options.HostPort = "127.0.0.1:7233"
	}
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	options.ConnectionOptions.GetSystemInfoTimeout = dialTimeout
	return options, nil
}

// Ask limits the time of a request to a worker, and distinguishes a worker that does not
// respond from a Temporal that does not.
func (l *Link) Ask(ctx context.Context, doing string, limit time.Duration, request func(context.Context) error) error {
	slow := time.AfterFunc(Quiet, func() { l.say("%s: waiting for a worker to respond", doing) })
	defer slow.Stop()
	err := client.Within(ctx, limit, request)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, client.ErrUnreachable):
		return &exit.Unreachable{Address: l.Address, Cause: err}
	case errors.Is(err, client.ErrUnattended):
		return &exit.Unattended{Doing: doing}
	}
	return exit.Answered(err)
}
