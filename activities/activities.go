// Package activities holds the steps that workflows ask for: one method a step,
// each safe to be run twice. They are glue; what needs a rule is decided in the
// domain, what needs a library is done by an adapter.
package activities

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/tagwatch/tagwatch/domain/message"
	"github.com/tagwatch/tagwatch/domain/notification"
)

// Activities is the receiver of all steps. It is safe for concurrent use.
type Activities struct {
	Store    Store
	Registry Registry
	Analyzer Analyzer
	Matcher  Matcher
	Feed     Feed
	Sender   Sender
	Packages Packages
	Sources  Sources
	// Configuration is nil for a worker without a folder of documents.
	Configuration Configuration
	Watchers      Watchers

	Account message.Account
	// Poll is how often a tag is checked unless its subscription says
	// otherwise; Resync how often its workflow checks everything by itself; Window
	// how long a delivery is tried.
	Poll, Resync, Window time.Duration
	// PollTime is how long one poll of a registry goes on at most; zero for a
	// minute.
	PollTime time.Duration
	// Retention is how long images without a tag and notifications are kept.
	Retention time.Duration
	// AuditRetention is how long the audit trail is kept; zero for ever.
	AuditRetention time.Duration
	// FeedMaxAge is how old vulnerability data may be before it is notified; zero for
	// any age.
	FeedMaxAge time.Duration
	// RenewPace is how many known images an hour are analyzed again at most when
	// the analyzer has changed; zero for none.
	RenewPace int
	// Restore makes sure that Temporal knows what the workflows need of it.
	Restore func(context.Context) error
	// Trace is the span of a step as text, which a notification keeps: its delivery,
	// perhaps days later, belongs there. Nil where nobody traces.
	Trace func(context.Context) string
	// Now is the clock; nil for the real one.
	Now func() time.Time
	Log *slog.Logger

	parsing sync.Mutex
	parsed  []parsedBundle // the newest last
}

func (a *Activities) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// heading begins a notification of the step.
func (a *Activities) heading(ctx context.Context, id string, created time.Time) notification.Heading {
	return notification.Heading{ID: id, Account: a.Account.Name, Created: created, Trace: a.trace(ctx)}
}

func (a *Activities) trace(ctx context.Context) string {
	if a.Trace == nil {
		return ""
	}
	return a.Trace(ctx)
}

// A step that ends sooner than firstBeat needs no heartbeat.
const (
	firstBeat = time.Second
	beat      = 5 * time.Second
)

// heartbeat tells Temporal that the step is alive, with what it is doing, until
// the returned function is called.
func heartbeat(ctx context.Context, progress func() any) (stop func()) {
	stopped, cancel := context.WithCancel(ctx)
	var beating sync.WaitGroup
	beating.Go(func() {
		for wait := firstBeat; ; wait = beat {
			select {
			case <-stopped.Done():
				return
			case <-time.After(wait):
				activity.RecordHeartbeat(ctx, progress())
			}
		}
	})
	return func() {
		cancel()
		beating.Wait()
	}
}
