package httpserver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

// Tokens find tokens of the HTTP API.
type Tokens interface {
	// Token reads one by its id; errkind.NotFound if there is none.
	Token(ctx context.Context, id string) (token.Token, error)
}

// ErrWrongToken is for a text that is not a token, or not a valid one anymore.
var ErrWrongToken = errors.New("wrong token")

// Identify finds the token that a text proves.
func Identify(ctx context.Context, tokens Tokens, text string, now time.Time) (token.Token, error) {
	id, ok := token.ParseID(text)
	if !ok {
		return token.Token{}, ErrWrongToken
	}
	known, err := tokens.Token(ctx, id)
	switch {
	case errors.Is(err, errkind.NotFound):
		return token.Token{}, ErrWrongToken
	case err != nil:
		return token.Token{}, err
	case !known.Proves(text, now):
		return token.Token{}, ErrWrongToken
	}
	return known, nil
}

// Bearer is what the Authorization header of a request has after the word Bearer.
func Bearer(r *http.Request) string {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return text
}
