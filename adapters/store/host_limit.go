package store

import (
	"context"
	"time"

	"github.com/tagwatch/tagwatch/domain/ratelimit"
)

// ShareHost answers a worker that wants a slice of what a host allows, at ask.Now.
func (s *Store) ShareHost(ctx context.Context, host string, ask ratelimit.Ask) (slice ratelimit.Slice, err error) {
	err = s.change(ctx, "share the rate limit of "+host, func(t tx) error {
		const read = `SELECT state FROM host_limit WHERE host = ?`
		text, found, err := first[string](ctx, t, read+t.locking, host)
		if err == nil && !found {
			// Of two workers that meet a host first, one waits here for the other.
			if err = t.run(ctx, `INSERT INTO host_limit (host, state, changed) VALUES (?, '{}', ?) ON CONFLICT DO NOTHING`, host, toMicros(ask.Now)); err == nil {
				text, err = one[string](ctx, t, read+t.locking, host)
			}
		}
		if err != nil {
			return err
		}
		shared, err := parse[ratelimit.Host](text)
		if err != nil {
			return err
		}
		slice = shared.Share(ask)
		after, err := format(shared)
		if err != nil || after == text {
			return err
		}
		return t.run(ctx, `UPDATE host_limit SET state = ?, changed = ? WHERE host = ?`, after, toMicros(ask.Now), host)
	})
	return slice, err
}

// pruneHosts forgets what hosts allowed in windows that are over.
func (t tx) pruneHosts(ctx context.Context, now time.Time) error {
	return t.run(ctx, `DELETE FROM host_limit WHERE changed < ?`, toMicros(now.Add(-2*ratelimit.Longest)))
}
