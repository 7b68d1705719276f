package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"

	"github.com/tagwatch/tagwatch/domain/errkind"
)

var (
	// ErrUnreachable is the error of a request that Temporal did not take.
	ErrUnreachable = fmt.Errorf("connect to Temporal: %w", errkind.Unavailable)
	// ErrUnattended is the error of a request that no worker responded to in time. One
	// may still carry it out later.
	ErrUnattended = fmt.Errorf("no worker responded: %w", errkind.Unavailable)
)

// Within limits the time of a request to a worker, and distinguishes a worker that does
// not respond from a Temporal that does not.
func Within(ctx context.Context, limit time.Duration, request func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := request(bounded)
	if err == nil || ctx.Err() != nil {
		return err
	}
	var (
		unavailable *serviceerror.Unavailable
		noNamespace *serviceerror.NamespaceNotFound
		late        *serviceerror.DeadlineExceeded
		noPoller    *serviceerror.FailedPrecondition
	)
	switch {
	case errors.As(err, &unavailable), errors.As(err, &noNamespace):
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case bounded.Err() != nil, errors.As(err, &late), errors.As(err, &noPoller):
		return fmt.Errorf("%w: %w", ErrUnattended, err) // the last one says so by itself
	}
	return err
}
