package api_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/tagwatch/tagwatch/adapters/issuer"
	"github.com/tagwatch/tagwatch/domain/token"
)

// signer is a small issuer: it publishes where its keys are, and its key.
type signer struct {
	*testing.T
	key     *rsa.PrivateKey
	url     string
	fetched atomic.Int64
	down    atomic.Bool
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{T: t, key: key}
	keys := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "k", Algorithm: oidc.RS256}}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.fetched.Add(1); s.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		keys.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	keys.SetIssuer(server.URL)
	s.url = server.URL
	return s
}

// token signs claims, with changes of those that are right.
func (s *signer) token(key string, changes map[string]any) string {
	s.Helper()
	claims := map[string]any{"iss": s.url, "aud": "tagwatch", "sub": "repo:acme/shop:ref:refs/heads/main", "exp": now.Add(time.Hour).Unix()}
	for name, value := range changes {
		claims[name] = value
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.Fatal(err)
	}
	return oidctest.SignIDToken(s.key, key, oidc.RS256, string(payload))
}

// TestTokensOfAnIssuer: a token of the issuer for this audience does what a rule allows,
// under the name of its subject; others are refused, and no token is called wrong that
// cannot be verified.
func TestTokensOfAnIssuer(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		trusted, stranger := newSigner(t), newSigner(t)
		var rules []token.Rule
		for _, text := range []string{"act sub=repo:acme/shop:* ghcr.io/web/*", "read groups=platform", "admin groups=owners"} {
			rule, err := token.ParseRule(text)
			f.must(err)
			rules = append(rules, rule)
		}
		accept := func() {
			verifier, err := issuer.New(issuer.Options{Issuer: trusted.url, Audience: "tagwatch", Now: func() time.Time { return now }})
			f.must(err)
			f.serve(verifier, rules)
		}
		accept()
		good := trusted.token("k", nil)
		none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(good, ".")[1] + "."
		for name, test := range map[string]struct {
			text   string
			status int
		}{
			"right":               {good, 200},
			"another rule":        {trusted.token("k", map[string]any{"sub": "ann", "groups": []string{"platform"}}), 200},
			"no rule":             {trusted.token("k", map[string]any{"sub": "ann"}), 403},
			"another audience":    {trusted.token("k", map[string]any{"aud": "elsewhere"}), 401},
			"expired":             {trusted.token("k", map[string]any{"exp": now.Add(-time.Second).Unix()}), 401},
			"without an end":      {trusted.token("k", map[string]any{"exp": nil}), 401},
			"another issuer":      {stranger.token("k", nil), 401},
			"another's signature": {stranger.token("k", map[string]any{"iss": trusted.url}), 401},
			"not signed":          {none, 401},
			"damaged":             {good[:len(good)-5] + "AAAAA", 401},
			"not a token at all":  {"a.b.c", 401},
		} {
			f.tokens["issued"] = test.text
			if response, body := f.send("issued", "GET", "/api/v1/tags", ""); response.StatusCode != test.status || test.status == 200 && !strings.Contains(body, inside) || strings.Contains(body, test.text) {
				t.Errorf("%s: %d %s", name, response.StatusCode, body)
			}
		}
		f.tokens["issued"] = good
		if response, body := f.send("issued", "GET", "/api/v1/tags", ""); strings.Contains(body, "nginx") {
			t.Errorf("the bounds of a rule: %d %s", response.StatusCode, body)
		}
		f.expect(f.send("issued", "GET", "/api/v1/endpoints", ""))(http.StatusForbidden, "the whole installation")
		f.send("issued", "POST", "/api/v1/subscriptions/end", `{"tags": ["`+inside+`"], "types": ["policy_eval"]}`)
		if _, body := f.send("admin", "GET", "/api/v1/audit", ""); !strings.Contains(body, `"who":"oidc:repo:acme/shop:ref:refs/heads/main","via":"api"`) {
			t.Errorf("the audit trail: %s", body)
		}
		if streamed, _ := f.send("issued", "GET", "/api/v1/notifications/stream", ""); streamed.StatusCode != 200 {
			t.Errorf("a stream: %d", streamed.StatusCode)
		}

		// A pipeline has another token for each run: a key is that of its subject.
		for n, run := range []struct {
			sub      string
			status   int
			replayed string
		}{{"ann", 200, ""}, {"ann", 200, "true"}, {"bob", 409, ""}} {
			f.tokens["run"] = trusted.token("k", map[string]any{"sub": run.sub, "groups": []string{"owners"}, "jti": n})
			response, body := f.send("run", "POST", "/api/v1/endpoints", `{"name": "keyed", "url": "https://keyed.example.com"}`, keyHeader, "k")
			if response.StatusCode != run.status || response.Header.Get("Idempotency-Replayed") != run.replayed {
				t.Errorf("run %d, with a key: %d %v %s", n, response.StatusCode, response.Header, body)
			}
		}

		before := trusted.fetched.Load()
		trusted.down.Store(true)
		if response, _ := f.send("issued", "GET", "/api/v1/tags", ""); response.StatusCode != 200 || trusted.fetched.Load() != before {
			t.Errorf("with known keys: %d, fetched %d times more", response.StatusCode, trusted.fetched.Load()-before)
		}
		accept() // which knows no keys
		f.expect(f.send("issued", "GET", "/api/v1/tags", ""))(http.StatusServiceUnavailable, "an issuer that is not reachable")
		if response, _ := f.send("read", "GET", "/api/v1/tags", ""); response.StatusCode != 200 {
			t.Errorf("a stored token meanwhile: %d", response.StatusCode)
		}
	})
}

// TestKeysElsewhere: an issuer cannot lead to an address closer to this machine than
// itself.
func TestKeysElsewhere(t *testing.T) {
	t.Parallel()
	trusted := newSigner(t)
	verifier, err := issuer.New(issuer.Options{Issuer: "https://issuer.example.com", Keys: trusted.url + "/keys", Audience: "tagwatch", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	err = verifier.Verify(t.Context(), trusted.token("k", map[string]any{"iss": "https://issuer.example.com"}), &map[string]any{})
	if err == nil || !strings.Contains(err.Error(), "closer to this machine") || trusted.fetched.Load() > 0 {
		t.Errorf("%v, fetched %d times", err, trusted.fetched.Load())
	}
}
