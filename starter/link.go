package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	sdk "go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/tagwatch/tagwatch/client"
)

const (
	// dialTimeout is how long Temporal may take to answer at all.
	dialTimeout = 4 * time.Second
	// queryTimeout is how long a worker may take to answer a question.
	queryTimeout = 5 * time.Second
	// requestTimeout is how long a worker may take to carry out a request that
	// looks at a registry.
	requestTimeout = time.Minute
)

// link is the connection to Temporal.
type link struct {
	client  client.Client
	address string
	say     func(format string, arguments ...any)
}

// temporal connects to Temporal when it is first needed.
func (s *session) temporal(ctx context.Context) (*link, error) {
	if s.linked != nil {
		return s.linked, nil
	}
	options, err := temporalOptions()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if options.Interceptors, err = s.traces.Interceptors(); err != nil {
		return nil, err
	}
	connected, err := sdk.DialContext(ctx, options)
	if err != nil {
		return nil, &unreachable{options.HostPort, err}
	}
	s.linked = &link{client: client.Client{Temporal: connected}, address: options.HostPort, say: s.say}
	return s.linked, nil
}

func temporalOptions() (sdk.Options, error) {
	options, err := client.Options()
	if err != nil {
		return options, usage("the settings of Temporal's connection (TEMPORAL_..., or its configuration file): %w", err)
	}
	if options.HostPort == "" {
		options.HostPort = "127.0.0.1:7233"
	}
	options.Logger = sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	options.ConnectionOptions.GetSystemInfoTimeout = dialTimeout
	return options, nil
}

// ask gives a request to a worker a bound in time, and tells a worker that does
// not answer from a Temporal that does not.
func (l *link) ask(ctx context.Context, doing string, patience time.Duration, request func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	slow := time.AfterFunc(queryTimeout, func() { l.say("%s: waiting for a worker's answer", doing) })
	defer slow.Stop()
	err := request(bounded)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case is[*serviceerror.Unavailable](err), is[*serviceerror.NamespaceNotFound](err):
		return &unreachable{l.address, err}
	case bounded.Err() != nil, is[*serviceerror.DeadlineExceeded](err), is[*serviceerror.FailedPrecondition](err):
		return &unattended{doing} // the last one says so by itself
	}
	return answered(err)
}

// is reports whether an error of that type is in the chain.
func is[T error](err error) bool {
	_, found := errors.AsType[T](err)
	return found
}
