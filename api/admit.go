package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/api/reference"
	"github.com/tagwatch/tagwatch/domain/audit"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
)

type callerKey struct{}

func callerOf(ctx context.Context) token.Token {
	caller, _ := ctx.Value(callerKey{}).(token.Token)
	return caller
}

// admit requires a token, and keeps its holder within the limits.
func (s *server) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := s.identify(r)
		r = withoutToken(r)
		switch {
		case errors.Is(err, errExposed):
			refuse(w, r, http.StatusForbidden, "only a token of the scope feed may be in an address; revoke this one: what is in addresses ends up in logs")
			return
		case errors.Is(err, errNoToken):
			challenge(w, r, `Bearer realm="tagwatch"`)
			refuse(w, r, http.StatusUnauthorized, "this needs a token, as in: Authorization: Bearer "+token.Prefix+"...")
			return
		case errors.Is(err, httpserver.ErrManyGuesses), errors.Is(err, httpserver.ErrWrongToken) && !s.guesses.Allow(r.RemoteAddr):
			w.Header().Set("Retry-After", "5")
			refuse(w, r, http.StatusTooManyRequests, "too many wrong tokens; wait a few seconds")
			return
		case errors.Is(err, httpserver.ErrWrongToken):
			challenge(w, r, `Bearer realm="tagwatch", error="invalid_token"`)
			refuse(w, r, http.StatusUnauthorized, "the token is wrong, expired or revoked")
			return
		case errors.Is(err, errNotMapped):
			refuse(w, r, http.StatusForbidden, "the token is valid, but nothing is allowed to it: no --api-oidc-scope of the worker selects its claims")
			return
		case errors.Is(err, errIssuer):
			s.Log.WarnContext(r.Context(), "cannot verify a token", "error", err)
			w.Header().Set("Retry-After", "5")
			refuse(w, r, http.StatusServiceUnavailable, "the token cannot be verified, because its issuer is not reachable; try again in a moment")
			return
		case err != nil:
			s.Log.WarnContext(r.Context(), "cannot read a token", "error", err)
			w.Header().Set("Retry-After", "5")
			refuse(w, r, http.StatusServiceUnavailable, "the database does not respond; try again in a moment")
			return
		}
		leave, ok := s.callers.enter(caller.ID)
		if !ok {
			w.Header().Set("Retry-After", "1")
			refuse(w, r, http.StatusTooManyRequests, "too many requests with this token; wait a moment")
			return
		}
		defer leave()
		via := audit.API
		if speaksAnchore(r) {
			via = audit.Anchore
		}
		ctx := audit.As(context.WithValue(r.Context(), callerKey{}, caller), audit.Actor{Name: caller.Name, Via: via})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

var (
	errNoToken = errors.New("no token")
	errExposed = errors.New("token in the address")
	// errIssuer and errNotMapped are about tokens of an OpenID Connect issuer.
	errIssuer    = errors.New("issuer not reachable")
	errNotMapped = errors.New("no rule selects the token")
)

// identify finds the token that a request proves to have.
func (s *server) identify(r *http.Request) (token.Token, error) {
	text, exposed := tokenOf(r), false
	if text == "" && isAtom(r) {
		text, exposed = r.URL.Query().Get(tokenParameter), true
	}
	if text == "" {
		return token.Token{}, errNoToken
	}
	done, err := s.guesses.Turn(r.Context(), r.RemoteAddr)
	if err != nil {
		return token.Token{}, err
	}
	defer done()
	if s.Issuer != nil && !exposed && strings.Count(text, ".") == 2 {
		return s.issued(r.Context(), text)
	}
	known, err := httpserver.Identify(r.Context(), s.Tokens, text, s.Now())
	if err == nil && exposed && known.Scope != token.Feed {
		return token.Token{}, errExposed
	}
	return known, err
}

// issued is what a token of the OpenID Connect issuer allows.
func (s *server) issued(ctx context.Context, text string) (token.Token, error) {
	var claims map[string]any
	err := s.Issuer.Verify(ctx, text, &claims)
	switch {
	case errors.Is(err, errkind.Unavailable):
		return token.Token{}, fmt.Errorf("%w: %w", errIssuer, err)
	case err != nil:
		return token.Token{}, httpserver.ErrWrongToken
	}
	known, found := token.Issued(s.Rules, claims, s.Now())
	if !found {
		return token.Token{}, errNotMapped
	}
	return known, nil
}

// tokenParameter has the token of a feed reader, which sends no headers.
const tokenParameter = "token"

// withoutToken is a request without the token in its address, which is then in no log and
// no answer.
func withoutToken(r *http.Request) *http.Request {
	query := r.URL.Query()
	if !query.Has(tokenParameter) {
		return r
	}
	query.Del(tokenParameter)
	without := r.Clone(r.Context())
	without.URL.RawQuery = query.Encode()
	without.RequestURI = without.URL.RequestURI()
	return without
}

// tokenOf is the token that a request brings: as clients of Anchore's API and browsers do,
// also as the password of any user.
func tokenOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok && takesPassword(r) {
		return password
	}
	return httpserver.Bearer(r)
}

// takesPassword reports that a request may bring its token as a password. A browser sends
// one by itself, so this is nothing for operations.
func takesPassword(r *http.Request) bool {
	return speaksAnchore(r) || r.URL.Path == documentPath || reference.Shows(r.URL.Path)
}

// challenge names how to show a token.
func challenge(w http.ResponseWriter, r *http.Request, bearer string) {
	if takesPassword(r) {
		bearer = `Basic realm="tagwatch: any user, a token as the password"`
	}
	w.Header().Set("WWW-Authenticate", bearer)
}

const (
	// requestsPerSecond and requestsAtOnce limit the rate of one token.
	requestsPerSecond, requestsAtOnce = 50, 200
	// mostUnderWay limits the requests of one token at a time.
	mostUnderWay = 32
	// mostCallers bounds the tokens whose requests are counted.
	mostCallers = 4096
)

// callers counts the requests of each token.
type callers struct {
	known *lru.Cache[string, *usage]
}

type usage struct {
	rate     *rate.Limiter
	underWay atomic.Int64
}

func newCallers() callers {
	known, _ := lru.New[string, *usage](mostCallers) // fails for no positive size
	return callers{known}
}

// enter counts a request of the token, until the caller leaves; false if there are too
// many.
func (c callers) enter(id string) (leave func(), ok bool) {
	used, found := c.known.Get(id)
	if !found {
		used = &usage{rate: rate.NewLimiter(requestsPerSecond, requestsAtOnce)}
		if other, raced, _ := c.known.PeekOrAdd(id, used); raced {
			used = other
		}
	}
	if used.underWay.Add(1) > mostUnderWay || !used.rate.Allow() {
		used.underWay.Add(-1)
		return nil, false
	}
	return func() { used.underWay.Add(-1) }, true
}
