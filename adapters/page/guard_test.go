package page_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/page"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	apitoken "github.com/tagwatch/tagwatch/domain/token"
)

// TestGuesses: wrong tokens are slowed down wherever they are offered, and right
// ones never suffer from them.
func TestGuesses(t *testing.T) {
	t.Parallel()
	for name, guess := range map[string]func(*reader) int{
		"form": func(r *reader) int {
			answer, _ := r.post("/login", url.Values{"token": {"guess"}})
			return answer.StatusCode
		},
		"header": func(r *reader) int {
			answer, _ := r.get("/", "Authorization", "Bearer guess")
			return answer.StatusCode
		},
		"cookie": func(r *reader) int {
			answer, _ := r.get("/", "Cookie", "tagwatch_status=guess")
			return answer.StatusCode
		},
		"derived cookie": func(r *reader) int {
			mac := hmac.New(sha256.New, []byte("guess"))
			mac.Write([]byte("tagwatch status page"))
			answer, _ := r.get("/", "Cookie", "tagwatch_status="+hex.EncodeToString(mac.Sum(nil)))
			return answer.StatusCode
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t, &content{t: t}, token)
			slowed := false
			for range 50 {
				slowed = slowed || guess(r) == http.StatusTooManyRequests
			}
			if !slowed {
				t.Error("50 guesses at once were answered as one is")
			}
			if answer, _ := r.get("/", "Authorization", "Bearer "+token); answer.StatusCode != 200 {
				t.Errorf("the token in a header meanwhile: %d", answer.StatusCode)
			}
			if answer, _ := r.post("/login", url.Values{"token": {token}}); answer.StatusCode != 200 {
				t.Errorf("the token in the form meanwhile: %d", answer.StatusCode)
			}
			if answer, _ := r.get("/"); answer.StatusCode != 200 {
				t.Errorf("the session meanwhile: %d", answer.StatusCode)
			}
		})
	}
}

// signedIn returns the cookie of a new session.
func signedIn(t *testing.T, r *reader) string {
	t.Helper()
	r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, _ := r.post("/login", url.Values{"token": {token}})
	if len(answer.Cookies()) != 1 {
		t.Fatalf("%d cookies", len(answer.Cookies()))
	}
	return "tagwatch_status=" + answer.Cookies()[0].Value
}

// TestSessionEnds: a copy of the cookie is of no use after signing out, nor after
// twelve hours, and other sessions go on.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	r := open(t, &content{t: t}, token)
	first := signedIn(t, r)
	second := signedIn(t, r) // the jar has this one
	if first == second {
		t.Fatal("two sessions have one cookie")
	}
	thief := open(t, &content{t: t}, token)
	thief.url, thief.client.Jar = r.url, nil
	status := func(cookie string) int {
		answer, _ := thief.get("/endpoints", "Cookie", cookie)
		return answer.StatusCode
	}
	if got := status(second); got != 200 {
		t.Fatalf("the copy before: %d", got)
	}
	r.post("/logout", nil)
	if got := status(second); got != 401 {
		t.Errorf("the copy after signing out: %d", got)
	}
	if got := status(first); got != 200 {
		t.Errorf("the other session: %d", got)
	}
	r.clock.pass(12*time.Hour - time.Second)
	if got := status(first); got != 200 {
		t.Errorf("just before its end: %d", got)
	}
	r.clock.pass(time.Second)
	if got := status(first); got != 401 {
		t.Errorf("after twelve hours: %d", got)
	}
}

// part is what a token that is limited to some tags reads.
type part struct{ *content }

func (part) Endpoints(context.Context) ([]endpoint.Endpoint, error) { return nil, page.ErrWhole }

// TestTokensOfTheAPI: a valid token is taken as a password or bearer token, within its
// bounds; others are not, and are slowed down.
func TestTokensOfTheAPI(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]string{"beside the page's token": token, "alone": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kept := tokens{}
			made := func(scope apitoken.Scope, bounds apitoken.Bounds, expires time.Time) string {
				stored, text, err := apitoken.New("ci", scope, bounds, now.Add(-time.Hour), expires)
				if err != nil {
					t.Fatal(err)
				}
				kept[stored.ID] = stored
				return text
			}
			right := made(apitoken.Read, nil, now.Add(time.Minute))
			limited := made(apitoken.Admin, apitoken.Bounds{"ghcr.io/web/*"}, time.Time{})
			_, unknown, err := apitoken.New("ci", apitoken.Read, nil, now, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			feed := made(apitoken.Feed, nil, time.Time{})
			r := openWith(t, &content{t: t}, page.Options{Token: own, Tokens: kept, Within: func(apitoken.Bounds) page.Reader { return part{&content{t: t}} }})
			basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte("anybody:"+text)) }
			status := func(path, header string) int {
				t.Helper()
				r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				answer, _ := r.get(path, "Authorization", header)
				return answer.StatusCode
			}
			for header, want := range map[string]int{basic(right): 200, "Bearer " + right: 200, basic(unknown): 401, basic("guess"): 401, basic(limited): 403, "Bearer " + limited: 403, basic(feed): 403} {
				if got := status("/endpoints", header); got != want {
					t.Errorf("%.12s: %d, want %d", header, got, want)
				}
			}
			for path, want := range map[string]int{"/": 200, "/login": 303, "/feed": 200} {
				if got := status(path, basic(limited)); got != want {
					t.Errorf("%s with bounds: %d, want %d", path, got, want)
				}
			}
			if got := status("/feed", basic(feed)); got != 403 {
				t.Errorf("a token for feeds: %d", got)
			}
			if answer, _ := r.get("/login"); answer.StatusCode != 401 || answer.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("to sign in: %d %v", answer.StatusCode, answer.Header)
			}
			if got := status("/login", basic(right)); got != 303 {
				t.Errorf("signed in: %d", got)
			}
			slowed := false
			for range 50 {
				slowed = slowed || status("/login", basic("guess")) == 429 && status("/", basic("guess")) == 429
			}
			if !slowed || status("/", basic(right)) != 200 {
				t.Errorf("guesses are slowed down: %t; the right one meanwhile: %d", slowed, status("/", basic(right)))
			}
			r.clock.pass(time.Minute)
			if got := status("/", basic(right)); got != 401 && got != 429 {
				t.Errorf("expired: %d", got)
			}
		})
	}
}
