package page

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/httpserver"
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

// guard admits requests with the token, or of a browser that signed in with it.
type guard struct {
	token    string
	sessions Sessions
	now      func() time.Time
	guesses  httpserver.Guesses
}

// access is what a request proves.
type access int

const (
	stranger access = iota // neither token nor session
	guessing               // a wrong token or session
	admitted
)

// check checks the token in the header first, then the session in the cookie. A
// right one is admitted however many wrong ones came before; a wrong one counts
// against its client.
func (g *guard) check(r *http.Request) (access, error) {
	offered, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if isBearer && same(offered, g.token) {
		return admitted, nil
	}
	cookie, err := r.Cookie(cookieName)
	if err != nil && !isBearer {
		return stranger, nil
	}
	if err == nil {
		live, err := g.sessions.SessionLive(r.Context(), g.sessionID(cookie.Value), g.now())
		if live || err != nil {
			return admitted, err
		}
	}
	return guessing, nil
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

// Admits reports whether a request may read everything: it has the token or a
// session, or there is no token.
func (s *Site) Admits(r *http.Request) bool {
	if s.Token == "" {
		return true
	}
	found, err := s.guard.check(r)
	return found == admitted && err == nil
}

// admit requires the token where there is one.
func (s *Site) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Token == "" {
			next.ServeHTTP(w, r)
			return
		}
		found, err := s.guard.check(r)
		switch {
		case err != nil:
			s.problem(w, r, "", err)
		case found == admitted:
			next.ServeHTTP(w, r)
		case found == guessing:
			s.refuse(w, r, nil)
		default:
			s.write(w, r, http.StatusUnauthorized, "login", frame{Title: "Sign in"})
		}
	})
}

// refuse answers a wrong token, and slows down a client that sends many.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request, content any) {
	status := http.StatusUnauthorized
	if !s.guard.guesses.Allow(r.RemoteAddr) {
		w.Header().Set("Retry-After", "5")
		status, content = http.StatusTooManyRequests, "Too many attempts; wait a few seconds."
	}
	s.write(w, r, status, "login", frame{Title: "Sign in", Content: content})
}

// login takes the token from the form and gives the browser a cookie.
func (s *Site) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if s.Token == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if !same(r.PostFormValue("token"), s.Token) {
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
