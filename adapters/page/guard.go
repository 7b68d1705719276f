package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

const (
	cookieName = "tagwatch_status"
	// signedFor is how long a browser is admitted before it is asked again.
	signedFor = 12 * time.Hour
	// maxForm bounds the form of the token.
	maxForm = 4 << 10
)

// guard lets in who has the token, or, without one, who is on this machine.
type guard struct {
	token   string
	session string        // what the cookie holds instead of the token
	guesses *rate.Limiter // wrong tokens, of everybody
}

func newGuard(token string) *guard {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("tagwatch status page"))
	return &guard{token: token, session: hex.EncodeToString(mac.Sum(nil)), guesses: rate.NewLimiter(1, 20)}
}

// knows tells whether a request shows the token, in a cookie or a header.
func (g *guard) knows(r *http.Request) bool {
	if cookie, err := r.Cookie(cookieName); err == nil && same(cookie.Value, g.session) {
		return true
	}
	offered, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return found && !g.slowed() && g.right(offered)
}

// slowed tells that too many wrong tokens came to look at another one.
func (g *guard) slowed() bool { return g.guesses.Tokens() < 1 }

// right compares a token, and counts it if it is wrong.
func (g *guard) right(offered string) bool {
	if same(offered, g.token) {
		return true
	}
	g.guesses.Allow()
	return false
}

// same takes the same time however much of it is right.
func same(offered, wanted string) bool {
	a, b := sha256.Sum256([]byte(offered)), sha256.Sum256([]byte(wanted))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// admit asks for the token where there is one. Where there is none, only this
// machine gets here, and a page elsewhere that had its name point to it does
// not: the name that the browser asked for has to be one of this machine.
func (s *site) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.Token == "" && !local(r.Host):
			http.Error(w, "ask for the status page as localhost or 127.0.0.1, or set a token (--status-token)", http.StatusForbidden)
		case s.Token != "" && !s.guard.knows(r):
			s.write(w, r, http.StatusUnauthorized, "login", frame{Title: "Sign in"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// local tells whether a Host header names this machine.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}

// login takes the token from the form and gives the browser a cookie.
func (s *site) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if s.Token == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if s.guard.slowed() {
		w.Header().Set("Retry-After", "5")
		s.write(w, r, http.StatusTooManyRequests, "login", frame{Title: "Sign in", Content: "Too many attempts; wait a few seconds."})
		return
	}
	if !s.guard.right(r.PostFormValue("token")) {
		s.write(w, r, http.StatusUnauthorized, "login", frame{Title: "Sign in", Content: "That is not the token."})
		return
	}
	http.SetCookie(w, s.cookie(r, s.guard.session, int(signedFor.Seconds())))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// logout takes the cookie back.
func (s *site) logout(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, s.cookie(r, "", -1))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *site) cookie(r *http.Request, value string, age int) *http.Cookie {
	encrypted := r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: encrypted, SameSite: http.SameSiteStrictMode}
}
