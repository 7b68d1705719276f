package activities

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// notificationStore keeps what is notified.
type notificationStore interface {
	// Publish stores a notification once, by its id, with its deliveries, and
	// names the endpoints that it goes to.
	Publish(ctx context.Context, n notification.Notification, options subscription.Options, window time.Duration) (endpoints []string, err error)
}

// log tells the event log what happened to a resource. The same event about the
// same resource is notified once for each occasion, however often the step is
// repeated. A step therefore tells before it notes that it has notified: killed in
// between, it tells again, and nobody hears it twice.
func (a *Activities) log(ctx context.Context, entry notification.Logged, occasion string) error {
	n, err := a.entry(ctx, entry, occasion)
	if err != nil {
		return err
	}
	endpoints, err := a.Store.Publish(ctx, n, subscription.Options{}, a.Window)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if entry.Level == notification.LevelError {
		level = slog.LevelWarn
	}
	a.Log.Log(ctx, level, "event notified", "event", entry.Event, "resource", entry.Resource.ID, "message", entry.Message, "endpoints", len(endpoints))
	return a.WakeEndpoints(ctx, endpoints)
}

// entry is the notification of an event: the same one for each occasion.
func (a *Activities) entry(ctx context.Context, entry notification.Logged, occasion string) (notification.Notification, error) {
	entry.At, entry.Resource.Account, entry.Service = a.now(), a.Account.Name, "tagwatch-worker"
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join([]string{entry.Event, entry.Resource.ID, occasion}, "\n"))).String()
	return notification.New(a.heading(ctx, id, entry.At), entry)
}

// since is the occasion of what began at that moment. The moment is one that
// the store has kept, so that a repeated step finds the same.
func since(moment time.Time) string { return moment.UTC().String() }
