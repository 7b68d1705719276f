package push

import (
	"cmp"
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// The issuer of Google's tokens, and the keys that sign them.
//
// Specification: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
const (
	googleIssuer = "https://accounts.google.com"
	googleKeys   = "https://www.googleapis.com/oauth2/v3/certs"
)

// keysTimeout bounds the fetch of keys, which a push waits for when the keys
// changed.
const keysTimeout = 5 * time.Second

// tokenCheck verifies OpenID Connect tokens: signature, issuer, audience, time,
// and the account that they were made for.
type tokenCheck struct {
	verifier *oidc.IDTokenVerifier
	email    string
}

func newTokenCheck(s Source) *tokenCheck {
	issuer, keys := cmp.Or(s.Issuer, googleIssuer), cmp.Or(s.Keys, googleKeys) // set together
	client := &http.Client{Timeout: keysTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ctx := oidc.ClientContext(context.Background(), client)
	return &tokenCheck{email: s.Email, verifier: oidc.NewVerifier(issuer, oidc.NewRemoteKeySet(ctx, keys), &oidc.Config{
		ClientID: s.Audience, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256},
	})}
}

func (t *tokenCheck) check(ctx context.Context, raw string) error {
	if raw == "" {
		return errRefused
	}
	token, err := t.verifier.Verify(ctx, raw)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	var claims struct {
		Email    string
		Verified bool `json:"email_verified"`
	}
	if err := token.Claims(&claims); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if !claims.Verified || subtle.ConstantTimeCompare([]byte(claims.Email), []byte(t.email)) == 0 {
		return errRefused
	}
	return nil
}
