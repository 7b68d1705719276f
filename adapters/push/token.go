package push

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/tagwatch/tagwatch/adapters/issuer"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// The issuer of Google's tokens, and the keys that sign them.
//
// Specification: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
const (
	googleIssuer = "https://accounts.google.com"
	googleKeys   = "https://www.googleapis.com/oauth2/v3/certs"
)

// tokenCheck verifies OpenID Connect tokens, and the account that they were made for.
type tokenCheck struct {
	verifier *issuer.Verifier
	email    string
}

func newTokenCheck(s Source) (*tokenCheck, error) {
	verifier, err := issuer.New(issuer.Options{Issuer: cmp.Or(s.Issuer, googleIssuer), Keys: cmp.Or(s.Keys, googleKeys), Audience: s.Audience}) // set together
	return &tokenCheck{verifier, s.Email}, err
}

// check refuses a token that is not valid. That the issuer cannot be reached is not the
// sender's fault.
func (t *tokenCheck) check(ctx context.Context, raw string) error {
	if raw == "" {
		return errRefused
	}
	var claims struct {
		Email    string
		Verified bool `json:"email_verified"`
	}
	err := t.verifier.Verify(ctx, raw, &claims)
	switch {
	case errors.Is(err, errkind.Unavailable):
		return &failure{err}
	case err != nil:
		return fmt.Errorf("%w: %w", errRefused, err)
	case !claims.Verified || subtle.ConstantTimeCompare([]byte(claims.Email), []byte(t.email)) == 0:
		return errRefused
	}
	return nil
}
