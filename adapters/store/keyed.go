package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// BeginKeyed notes that a request with a key is under way. If there was one with the same
// key, it returns its hash and its answer, and first is false. errkind.Limit if the token
// has too many keys.
func (s *Store) BeginKeyed(ctx context.Context, asked token.Keyed) (first bool, before string, answer token.KeyedAnswer, err error) {
	err = s.change(ctx, "note a request with a key", func(t tx) (err error) {
		t.trail.noted = true // nobody's settings change
		if err := t.run(ctx, `DELETE FROM keyed_request WHERE token = ? AND begun < ?`, asked.Token, toMicros(asked.Begun.Add(-token.KeySpan))); err != nil {
			return err
		}
		if first, err = t.beginKeyed(ctx, asked); err != nil || first {
			return err
		}
		before, answer, err = t.keyed(ctx, asked)
		return err
	})
	return first, before, answer, err
}

// beginKeyed reports whether the request is the first one with its key, or the repetition
// of one that was lost with its worker.
func (t tx) beginKeyed(ctx context.Context, asked token.Keyed) (bool, error) {
	begun, err := t.exec(ctx, `INSERT INTO keyed_request (token, key, request, begun) VALUES (?, ?, ?, ?)
		ON CONFLICT (token, key) DO UPDATE SET begun = excluded.begun
		WHERE keyed_request.status = 0 AND keyed_request.request = excluded.request AND keyed_request.begun < ?`,
		asked.Token, asked.Key, asked.Request, toMicros(asked.Begun), toMicros(asked.Begun.Add(-token.KeyedAbandoned)))
	if err != nil || begun == 0 {
		return false, err
	}
	keys, err := one[int](ctx, t, `SELECT count(*) FROM keyed_request WHERE token = ?`, asked.Token)
	if err == nil && keys > token.MostKeys {
		err = fmt.Errorf("more than %d idempotency keys with this token in %s: %w", token.MostKeys, token.KeySpan, errkind.Limit)
	}
	return true, err
}

func (t tx) keyed(ctx context.Context, asked token.Keyed) (request string, answer token.KeyedAnswer, err error) {
	row, err := one[struct {
		Request        string
		Status         int
		Type, Location string
		Body           []byte
	}](ctx, t, `SELECT request, status, type, location, body FROM keyed_request WHERE token = ? AND key = ?`, asked.Token, asked.Key)
	if err != nil || row.Status == 0 {
		return row.Request, answer, err
	}
	body, err := decompress(row.Body)
	return row.Request, token.KeyedAnswer{Status: row.Status, Type: row.Type, Location: row.Location, Body: body}, err
}

// FinishKeyed keeps the answer to a request that BeginKeyed noted.
func (s *Store) FinishKeyed(ctx context.Context, asked token.Keyed, answer token.KeyedAnswer) error {
	return s.change(ctx, "keep the answer to a request with a key", func(t tx) error {
		t.trail.noted = true
		return t.run(ctx, `UPDATE keyed_request SET status = ?, type = ?, location = ?, body = ? WHERE token = ? AND key = ? AND begun = ?`,
			answer.Status, answer.Type, answer.Location, compress(answer.Body), asked.Token, asked.Key, toMicros(asked.Begun))
	})
}

// ForgetKeyed forgets a request that BeginKeyed noted and that failed: the next one with
// its key is carried out.
func (s *Store) ForgetKeyed(ctx context.Context, asked token.Keyed) error {
	return s.change(ctx, "forget a request with a key", func(t tx) error {
		t.trail.noted = true
		return t.run(ctx, `DELETE FROM keyed_request WHERE token = ? AND key = ? AND begun = ? AND status = 0`, asked.Token, asked.Key, toMicros(asked.Begun))
	})
}

// pruneKeyed forgets the keys that no longer stand for anything.
func (t tx) pruneKeyed(ctx context.Context, now time.Time) error {
	return t.run(ctx, `DELETE FROM keyed_request WHERE begun < ?`, toMicros(now.Add(-token.KeySpan)))
}
