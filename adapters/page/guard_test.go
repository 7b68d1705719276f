package page_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"testing"
	"time"
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
