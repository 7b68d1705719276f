package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// tellAge tells the event log when the current data have become too old, and
// when they are not any more: each once. Data that nobody renews look like data
// without news.
func (a *Activities) tellAge(ctx context.Context, feed watch.Feed) error {
	if feed.Current == nil {
		return nil
	}
	stale := a.FeedMaxAge > 0 && a.now().Sub(feed.Current.Built) > a.FeedMaxAge
	switch {
	case stale && feed.StaleSince.IsZero():
		err := a.log(ctx, event.Logged{Event: "system.feeds.data.stale", Level: event.LevelError,
			Message:  fmt.Sprintf("Vulnerability data are older than %s: nothing newer could be had", a.FeedMaxAge),
			Details:  map[string]any{"generation": feed.Current.Checksum, "built": feed.Current.Built},
			Resource: source}, since(feed.Current.Built))
		if err != nil {
			return err
		}
		return a.Store.NoteStale(ctx, a.now())
	case !stale && !feed.StaleSince.IsZero():
		err := a.log(ctx, event.Logged{Event: "system.feeds.data.fresh", Level: event.LevelInfo,
			Message:  "Vulnerability data are up to date again",
			Details:  map[string]any{"generation": feed.Current.Checksum, "stale_since": feed.StaleSince},
			Resource: source}, since(feed.StaleSince))
		if err != nil {
			return err
		}
		return a.Store.NoteStale(ctx, time.Time{})
	}
	return nil
}
