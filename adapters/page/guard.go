package page

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
	"github.com/tagwatch/tagwatch/domain/token"
)

const (
	cookieName = "tagwatch_status"
	// signedFor is how long a browser is admitted before it signs in again.
	signedFor = 12 * time.Hour
	// maxForm bounds the form of the token.
	maxForm = 4 << 10
)

// Sessions store who signed in, for all workers.
type Sessions interface {
	StartSession(ctx context.Context, id string, now, expires time.Time) error
	// SessionLive reports whether the session was started, and neither ended nor
	// expired.
	SessionLive(ctx context.Context, id string, now time.Time) (bool, error)
	EndSession(ctx context.Context, id string) error
}

// guard admits requests with the token, of a browser that signed in with it, or with a
// token of the HTTP API.
type guard struct {
	token    string
	tokens   httpserver.Tokens
	sessions Sessions
	now      func() time.Time
	guesses  httpserver.Guesses
}

// access is what a request proves.
type access int

const (
	stranger access = iota // neither token nor session
	guessing               // a wrong token or session
	limited                // a token of the HTTP API that sees nothing
	bounded                // one that sees some tags
	admitted
)

// proof is what a request proves, with the tags that a bounded one sees.
type proof struct {
	access
	bounds token.Bounds
}

// check checks the tokens in the header first, then the session in the cookie. A
// right one is admitted however many wrong ones came before; a wrong one counts
// against its client. httpserver.ErrManyGuesses if too many wait to be looked up.
func (g *guard) check(r *http.Request) (proof, error) {
	offered := offeredBy(r)
	cookie, err := r.Cookie(cookieName)
	switch {
	case offered == "" && err != nil:
		return proof{access: stranger}, nil
	case g.token != "" && same(offered, g.token):
		return proof{access: admitted}, nil
	}
	done, err := g.guesses.Turn(r.Context(), r.RemoteAddr)
	if err != nil {
		return proof{}, err
	}
	defer done()
	if offered != "" {
		if found, err := g.checkToken(r.Context(), offered); found.access > guessing || err != nil {
			return found, err
		}
	}
	if cookie != nil && g.token != "" {
		live, err := g.sessions.SessionLive(r.Context(), g.sessionID(cookie.Value), g.now())
		if live || err != nil {
			return proof{access: admitted}, err
		}
	}
	return proof{access: guessing}, nil
}

// offeredBy is the token in the header of a request: as the password of any user, as
// browsers send it, or as a bearer token.
func offeredBy(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	return httpserver.Bearer(r)
}

// checkToken checks the tokens of the HTTP API.
func (g *guard) checkToken(ctx context.Context, offered string) (proof, error) {
	known, err := httpserver.Identify(ctx, g.tokens, offered, g.now())
	switch {
	case errors.Is(err, httpserver.ErrWrongToken):
		return proof{access: guessing}, nil
	case err != nil:
		return proof{}, err
	case !known.Scope.Allows(token.Read):
		return proof{access: limited}, nil
	case !known.Bounds.Whole():
		return proof{bounded, known.Bounds}, nil
	}
	return proof{access: admitted}, nil
}

// sessionID is stored in place of a cookie: it is useless to readers of the
// database, and another token ends all sessions.
func (g *guard) sessionID(cookie string) string {
	mac := hmac.New(sha256.New, []byte(g.token))
	mac.Write([]byte("session of the status page: " + cookie))
	return hex.EncodeToString(mac.Sum(nil))
}

// same takes the same time however much of the token is right.
func same(offered, wanted string) bool {
	a, b := sha256.Sum256([]byte(offered)), sha256.Sum256([]byte(wanted))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Admits reports whether a request may read everything: it has a token or a session, or
// needs none.
func (s *Site) Admits(r *http.Request) bool {
	if s.Open {
		return true
	}
	found, err := s.guard.check(r)
	return found.access == admitted && err == nil
}

// admit requires a token, unless the page is open.
func (s *Site) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		serve := func(from reading) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), readingKey{}, from)))
		}
		if s.Open {
			serve(reading{s.Read, true})
			return
		}
		found, err := s.guard.check(r)
		switch {
		case errors.Is(err, httpserver.ErrManyGuesses):
			s.slow(w, r)
		case err != nil:
			s.problem(w, r, "", err)
		case found.access == admitted:
			serve(reading{s.Read, true})
		case found.access == bounded:
			serve(reading{s.Within(found.bounds), false})
		case found.access == guessing:
			s.refuse(w, r, nil)
		case found.access == limited:
			s.write(w, r, http.StatusForbidden, "problem", frame{Title: "Not allowed", Content: "This token is for Atom feeds only. Use one of the scope read or above."})
		case s.Token == "":
			s.challenge(w, r, http.StatusUnauthorized, nil)
		default:
			s.write(w, r, http.StatusUnauthorized, "login", frame{Title: "Sign in"})
		}
	})
}

// challenge has a browser ask for a token of the HTTP API, which it sends from then on.
func (s *Site) challenge(w http.ResponseWriter, r *http.Request, status int, content any) {
	w.Header().Set("WWW-Authenticate", `Basic realm="tagwatch: any user, a token of the HTTP API as the password", charset="UTF-8"`)
	if content == nil {
		content = "Give a token of the HTTP API as the password, with any user. Make one with: tagwatch token create NAME --scope read"
	}
	s.write(w, r, status, "problem", frame{Title: "Sign in", Content: content})
}

// loginByToken has a browser send a token of the HTTP API, and leads it to the page.
func (s *Site) loginByToken(w http.ResponseWriter, r *http.Request) {
	found, err := s.guard.check(r)
	if _, _, given := r.BasicAuth(); s.Open || given && found.access >= bounded && err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	status := http.StatusUnauthorized
	if offeredBy(r) != "" && !s.guard.guesses.Allow(r.RemoteAddr) {
		status = http.StatusTooManyRequests
	}
	s.challenge(w, r, status, nil)
}

// refuse answers a wrong token, and slows down a client that sends many.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request, content any) {
	if !s.guard.guesses.Allow(r.RemoteAddr) {
		s.slow(w, r)
		return
	}
	s.askAgain(w, r, http.StatusUnauthorized, content)
}

// slow answers a client that sends too many wrong tokens.
func (s *Site) slow(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "5")
	s.askAgain(w, r, http.StatusTooManyRequests, "Too many attempts; wait a few seconds.")
}

// askAgain asks for the page's own token, or for one of the HTTP API.
func (s *Site) askAgain(w http.ResponseWriter, r *http.Request, status int, content any) {
	if s.Token == "" {
		s.challenge(w, r, status, content)
		return
	}
	s.write(w, r, status, "login", frame{Title: "Sign in", Content: content})
}

// login takes the token from the form and gives the browser a cookie.
func (s *Site) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if s.Open {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if s.Token == "" || !same(r.PostFormValue("token"), s.Token) {
		s.refuse(w, r, "That is not the token.")
		return
	}
	session := rand.Text()
	now := s.guard.now()
	if err := s.guard.sessions.StartSession(r.Context(), s.guard.sessionID(session), now, now.Add(signedFor)); err != nil {
		s.problem(w, r, "", err)
		return
	}
	http.SetCookie(w, s.cookie(r, session, int(signedFor.Seconds())))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logout ends the session, wherever else its cookie may be.
func (s *Site) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil && s.Token != "" {
		if err := s.guard.sessions.EndSession(r.Context(), s.guard.sessionID(cookie.Value)); err != nil {
			s.problem(w, r, "", err)
			return
		}
	}
	http.SetCookie(w, s.cookie(r, "", -1))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Site) cookie(r *http.Request, value string, age int) *http.Cookie {
	encrypted := r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: encrypted, SameSite: http.SameSiteStrictMode}
}
