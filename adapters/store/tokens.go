package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

type tokenRow struct {
	ID      string
	Name    string
	Hash    string
	Scope   string
	Bounds  string
	Created int64
	Expires int64
}

const tokenColumns = `id, name, hash, scope, bounds, created, expires`

func (r tokenRow) token() (token.Token, error) {
	bounds, err := parse[token.Bounds](r.Bounds)
	return token.Token{ID: r.ID, Name: r.Name, Hash: r.Hash, Scope: token.Scope(r.Scope), Bounds: bounds, Created: timeOf(r.Created), Expires: timeOf(r.Expires)}, err
}

// SaveToken stores a new token; errkind.Conflict if there is one of that name.
func (s *Store) SaveToken(ctx context.Context, made token.Token) error {
	bounds, err := format(made.Bounds)
	if err != nil {
		return err
	}
	return s.change(ctx, "save token "+made.Name, func(t tx) error {
		n, err := t.exec(ctx, `INSERT INTO token (`+tokenColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			made.ID, made.Name, made.Hash, string(made.Scope), bounds, toMicros(made.Created), toMicros(made.Expires))
		if err == nil && n == 0 {
			err = fmt.Errorf("there is a token of this name: %w", errkind.Conflict)
		}
		if err != nil {
			return err
		}
		return t.note(ctx, made.Created, audit.Change{Action: audit.TokenCreate, Subject: made.Name, After: tokenState(made)})
	})
}

// Tokens lists all tokens by name, expired ones included.
func (s *Store) Tokens(ctx context.Context) (tokens []token.Token, err error) {
	err = s.view(ctx, "list tokens", func(t tx) error {
		rows, err := all[tokenRow](ctx, t, `SELECT `+tokenColumns+` FROM token ORDER BY name`)
		if err == nil {
			tokens, err = convert(rows, tokenRow.token)
		}
		return err
	})
	return tokens, err
}

// Token reads one by its id; errkind.NotFound if there is none.
func (s *Store) Token(ctx context.Context, id string) (found token.Token, err error) {
	err = s.view(ctx, "read a token", func(t tx) error {
		row, known, err := first[tokenRow](ctx, t, `SELECT `+tokenColumns+` FROM token WHERE id = ?`, id)
		if err == nil && !known {
			err = fmt.Errorf("token not found: %w", errkind.NotFound)
		}
		if err == nil {
			found, err = row.token()
		}
		return err
	})
	return found, err
}

// TokensLeft are those of the ids whose tokens were not revoked.
func (s *Store) TokensLeft(ctx context.Context, ids []string) (left []string, err error) {
	err = s.view(ctx, "read tokens", func(t tx) error {
		left, err = allIn[string](ctx, t, `SELECT id FROM token WHERE id IN (?)`, ids)
		return err
	})
	return left, err
}

// DeleteToken removes the token of that name; errkind.NotFound if there is none.
func (s *Store) DeleteToken(ctx context.Context, name string, now time.Time) error {
	return s.change(ctx, "delete token "+name, func(t tx) error {
		row, found, err := first[tokenRow](ctx, t, `SELECT `+tokenColumns+` FROM token WHERE name = ?`+t.locking, name)
		if err == nil && !found {
			err = fmt.Errorf("token not found: %w", errkind.NotFound)
		}
		if err != nil {
			return err
		}
		revoked, err := row.token()
		if err != nil {
			return err
		}
		if err := t.note(ctx, now, audit.Change{Action: audit.TokenRevoke, Subject: name, Before: tokenState(revoked)}); err != nil {
			return err
		}
		return t.run(ctx, `DELETE FROM token WHERE name = ?`, name)
	})
}

// tokenState is what the audit trail says of a token.
func tokenState(made token.Token) audit.State {
	return audit.Plain(struct {
		Scope    token.Scope  `json:"scope"`
		Subjects token.Bounds `json:"subjects,omitempty"`
		Expires  time.Time    `json:"expires,omitzero"`
	}{made.Scope, made.Bounds, made.Expires})
}
