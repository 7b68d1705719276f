package push_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/tagwatch/tagwatch/adapters/push"
)

// issuer signs tokens and publishes its key, as Google does.
type issuer struct {
	key *rsa.PrivateKey
	url string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	keys := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "k", Algorithm: oidc.RS256}}}
	server := httptest.NewServer(http.HandlerFunc(keys.ServeHTTP))
	t.Cleanup(server.Close)
	keys.SetIssuer(server.URL)
	return &issuer{key: key, url: server.URL}
}

func (i *issuer) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return oidctest.SignIDToken(i.key, "k", oidc.RS256, string(payload))
}

func (i *issuer) claims(changes ...any) map[string]any {
	claims := map[string]any{"iss": i.url, "aud": "https://tagwatch.example.com/push/google", "sub": "1", "email": "push@project.iam.gserviceaccount.com",
		"email_verified": true, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()}
	for n := 0; n < len(changes); n += 2 {
		claims[changes[n].(string)] = changes[n+1]
	}
	return claims
}

func TestTokens(t *testing.T) {
	t.Parallel()
	google, stranger := newIssuer(t), newIssuer(t)
	source := push.Source{Name: "google", Kind: push.PubSub, Audience: "https://tagwatch.example.com/push/google",
		Email: "push@project.iam.gserviceaccount.com", Issuer: google.url, Keys: google.url + "/keys"}
	both := source
	both.Name, both.Secret = "both", "env:SOURCE"
	r := receive(t, source, both)
	body := documented(t, "pubsub_tag.json")
	good := google.token(t, google.claims())
	for _, test := range []struct {
		name, path, token string
		status            int
	}{
		{"right", "/push/google", good, 200},
		{"none", "/push/google", "", 401},
		{"no token at all", "/push/google", "x.y.z", 401},
		{"another signed it", "/push/google", stranger.token(t, google.claims()), 401},
		{"another issuer", "/push/google", stranger.token(t, stranger.claims()), 401},
		{"another audience", "/push/google", google.token(t, google.claims("aud", "https://elsewhere.example.com")), 401},
		{"another account", "/push/google", google.token(t, google.claims("email", "evil@gmail.com")), 401},
		{"an account that is not verified", "/push/google", google.token(t, google.claims("email_verified", false)), 401},
		{"no account", "/push/google", google.token(t, map[string]any{"iss": google.url, "aud": source.Audience, "exp": time.Now().Add(time.Hour).Unix()}), 401},
		{"expired", "/push/google", google.token(t, google.claims("exp", time.Now().Add(-time.Hour).Unix())), 401},
		{"unsigned", "/push/google", "eyJhbGciOiJub25lIn0.e30.", 401},
		{"token and secret", "/push/both?token=" + secret, good, 200},
		{"token without the secret", "/push/both", good, 401},
		{"secret without the token", "/push/both?token=" + secret, "", 401},
	} {
		headers := []string{}
		if test.token != "" {
			headers = []string{"Authorization", "Bearer " + test.token}
		}
		if status, text := r.post(t, test.path, body, headers...); status != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.name, status, test.status, text)
		}
	}
}
