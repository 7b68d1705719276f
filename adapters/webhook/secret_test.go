package webhook_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// planted are secrets that no text may show.
var planted = map[endpoint.SecretRef]string{
	"env:PASSWORD": "planted-password",
	"env:TOKEN":    `planted-"token"&more`,
	"env:HEADER":   "planted-header",
	"env:SIGNING":  "planted-signing",
}

// leaks are what a planted secret looks like, also encoded.
var leaks = []string{"planted-", "cGxhbnRlZC", "dTpwbGFudGVk", "planted%2D"}

func secretive(url string) []endpoint.Endpoint {
	basic := endpoint.Endpoint{Name: "e", URL: url, User: "u", Password: "env:PASSWORD", Signing: []endpoint.SecretRef{"env:SIGNING"},
		HeaderRefs: map[string]endpoint.SecretRef{"X-Key": "env:HEADER"}}
	bearer := basic
	bearer.User, bearer.Password, bearer.Token = "", "", "env:TOKEN"
	return []endpoint.Endpoint{basic, bearer}
}

// Whatever a receiver does, and if it sends back all it got: no secret in the
// outcome.
func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		whole, _ := httputil.DumpRequest(r, true)
		_, _ = w.Write(whole)
		fmt.Fprintf(w, "%s %q", r.URL.RequestURI(), r.Header)
	}
	for name, start := range map[string]func(*testing.T) string{
		"echo":      handler(echo),
		"refused":   closedPort,
		"forbidden": url("http://169.254.169.254"),
		"no TLS":    noTLS,
		"timeout":   handler(stall),
		"malformed": url("http://169.254.169.254:port"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := start(t)
			secrets := map[endpoint.SecretRef]string{"env:URL": address + "/services/planted-path?key=planted-query"}
			for ref, value := range planted {
				secrets[ref] = value
			}
			sender := newSender(t, webhook.Options{Secrets: secretsOf(secrets)})
			for _, e := range append(secretive(address+"/hook?key=planted-query"), secretive("env:URL")...) {
				e.Timeout = 1e8
				got := sender.Send(t.Context(), e, newMessage())
				for _, leak := range leaks {
					if text := fmt.Sprint(got.Excerpt, got.Err); strings.Contains(text, leak) {
						t.Errorf("%s shows %q: %s", e.URL, leak, text)
					}
				}
			}
		})
	}
}

// A secret that stands across the end of the excerpt leaves no half of itself.
func TestSecretAtTheEndOfTheExcerpt(t *testing.T) {
	t.Parallel()
	for filler := webhook.MaxExcerpt - 20; filler <= webhook.MaxExcerpt; filler++ {
		r := newReceiver(t, answer(500, strings.Repeat("x", filler)+planted["env:TOKEN"]))
		sender := newSender(t, webhook.Options{Secrets: secretsOf(planted)})
		got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: r.URL, Token: "env:TOKEN"}, newMessage())
		if strings.Contains(got.Excerpt, "pl") {
			t.Fatalf("after %d bytes: %s", filler, got.Excerpt[filler-1:])
		}
	}
}

func TestMissingSecretsAreNamed(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for name, e := range map[string]endpoint.Endpoint{
		"password":    {User: "u", Password: "env:TAGWATCH_TEST_NEVER_SET"},
		"token":       {Token: endpoint.SecretRef("file:" + missing)},
		"header":      {HeaderRefs: map[string]endpoint.SecretRef{"X-Key": "env:TAGWATCH_TEST_NEVER_SET"}},
		"signing":     {Signing: []endpoint.SecretRef{"env:TAGWATCH_TEST_NEVER_SET"}},
		"authority":   {CAFile: missing},
		"certificate": {CertFile: missing, KeyFile: missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, status(200))
			e.Name, e.URL = "e", r.URL
			got := newSender(t, webhook.Options{}).Send(t.Context(), e, newMessage())
			if webhook.FailureOf(got.Err) != webhook.FailureSecret || !errors.Is(got.Err, errkind.Unavailable) || len(r.received()) > 0 {
				t.Fatalf("failure %q: %v; %d requests", webhook.FailureOf(got.Err), got.Err, len(r.received()))
			}
			if text := got.Err.Error(); !strings.Contains(text, "TAGWATCH_TEST_NEVER_SET") && !strings.Contains(text, missing) {
				t.Errorf("the error does not name what is missing: %s", text)
			}
		})
	}
}

func TestSecretOfSeveralLinesInAHeader(t *testing.T) {
	t.Parallel()
	sender := newSender(t, webhook.Options{Secrets: secretsOf(map[endpoint.SecretRef]string{"env:S": "planted-1\nplanted-2"})})
	for _, e := range []endpoint.Endpoint{{Token: "env:S"}, {HeaderRefs: map[string]endpoint.SecretRef{"X-Key": "env:S"}}} {
		e.URL = "http://127.0.0.1:9"
		got := sender.Send(t.Context(), e, newMessage())
		if webhook.FailureOf(got.Err) != webhook.FailureSecret || !strings.Contains(got.Err.Error(), "env:S") || strings.Contains(got.Err.Error(), "planted") {
			t.Errorf("failure %q: %v", webhook.FailureOf(got.Err), got.Err)
		}
	}
}

func TestReadSecret(t *testing.T) { // sets the environment, so not in parallel
	folder := t.TempDir()
	write := func(name, content string) endpoint.SecretRef {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return endpoint.SecretRef("file:" + path)
	}
	t.Setenv("TAGWATCH_TEST_SECRET", " with spaces ")
	t.Setenv("TAGWATCH_TEST_EMPTY", "")
	t.Setenv("TAGWATCH_TEST_LINE", "hunter2\n")
	t.Setenv("TAGWATCH_TEST_BREAK", "\r\n")
	for _, test := range []struct {
		name string
		ref  endpoint.SecretRef
		want string // "": an error
	}{
		{"environment", "env:TAGWATCH_TEST_SECRET", " with spaces "},
		{"empty variable", "env:TAGWATCH_TEST_EMPTY", ""},
		{"variable with a line break", "env:TAGWATCH_TEST_LINE", "hunter2"},
		{"variable of a line break", "env:TAGWATCH_TEST_BREAK", ""},
		{"file", write("plain", "hunter2"), "hunter2"},
		{"file with a line break", write("line", "hunter2\r\n"), "hunter2"},
		{"empty file", write("empty", "\n"), ""},
		{"large file", write("large", strings.Repeat("x", 65<<10)), ""},
		{"folder", endpoint.SecretRef("file:" + folder), ""},
		{"no reference", "hunter2", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := webhook.ReadSecret(test.ref)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// Rotation needs no restart: a secret is read anew for each attempt.
func TestSecretsAreReadAnew(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) { _, _ = io.WriteString(w, "ok") })
	sender := newSender(t, webhook.Options{})
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: r.URL, Token: endpoint.SecretRef("file:" + file)}, newMessage())
	}
	for i, want := range []string{"Bearer one", "Bearer two"} {
		if got := r.received()[i].Header.Get("Authorization"); got != want {
			t.Errorf("attempt %d: %q, want %q", i+1, got, want)
		}
	}
}
