package store

import (
	"context"
	"time"
)

// StartSession keeps that somebody signed in to the status page, until it expires.
// What has expired goes.
func (s *Store) StartSession(ctx context.Context, id string, now, expires time.Time) error {
	return s.change(ctx, "sign in", func(t tx) error {
		if err := t.run(ctx, `DELETE FROM session WHERE expires <= ?`, toMicros(now)); err != nil {
			return err
		}
		return t.run(ctx, `INSERT INTO session (id, expires) VALUES (?, ?)`, id, toMicros(expires))
	})
}

// SessionLive reports whether the session was started, and neither ended nor expired.
func (s *Store) SessionLive(ctx context.Context, id string, now time.Time) (live bool, err error) {
	err = s.view(ctx, "read session", func(t tx) error {
		_, live, err = first[int64](ctx, t, `SELECT expires FROM session WHERE id = ? AND expires > ?`, id, toMicros(now))
		return err
	})
	return live, err
}

// EndSession forgets a session; one that is not there is ended.
func (s *Store) EndSession(ctx context.Context, id string) error {
	return s.change(ctx, "sign out", func(t tx) error { return t.run(ctx, `DELETE FROM session WHERE id = ?`, id) })
}
