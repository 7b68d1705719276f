package lab

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// The issuer and the service of a [TokenService], as a registry must know them.
const (
	tokenIssuer = "lab"
	tokenAbout  = "lab-registry"
)

const tokenLifetime = 5 * time.Minute

// TokenService issues tokens for registries
// (https://distribution.github.io/distribution/spec/auth/jwt/), to one user or,
// without any, to everybody. It counts them.
type TokenService struct {
	*Server
	*Faults
	key         *rsa.PrivateKey
	certificate []byte // DER, of the key

	mu      sync.Mutex
	user    string
	pass    string
	refresh string         // identity token that is accepted too
	issued  map[string]int // by scope
}

// NewTokenService starts a service at /token of its host, over TLS unless config
// is nil.
func NewTokenService(config *tls.Config) (*TokenService, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	template := (&Authority{}).template("Tagwatch lab tokens")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	t := &TokenService{Faults: &Faults{}, key: key, certificate: der, issued: map[string]int{}}
	t.Server, err = serveTLS(t.Wrap(t.handler()), config)
	return t, err
}

// PEM is the certificate that tokens are verified with.
func (t *TokenService) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: t.certificate})
}

// Realm is where tokens are issued.
func (t *TokenService) Realm() string { return t.URL() + "/token" }

// Admit lets only this user have tokens, by a password or an identity token;
// "" accepts neither.
func (t *TokenService) Admit(user, pass, identity string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.user, t.pass, t.refresh = user, pass, identity
}

// Issued is how many tokens were issued for a scope; "" counts all.
func (t *TokenService) Issued(scope string) (count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for each, n := range t.issued {
		if scope == "" || each == scope {
			count += n
		}
	}
	return count
}

func (t *TokenService) handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" || r.ParseForm() != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if !t.admits(r) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}`))
			return
		}
		token, err := t.issue(r.Form.Get("scope"))
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "access_token": token, "expires_in": int(tokenLifetime.Seconds())})
	})
}

func (t *TokenService) admits(r *http.Request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Method == http.MethodPost {
		return t.refresh != "" && r.Form.Get("grant_type") == "refresh_token" && r.Form.Get("refresh_token") == t.refresh
	}
	user, pass, _ := r.BasicAuth()
	return t.user == "" || user == t.user && pass == t.pass && pass != ""
}

func (t *TokenService) issue(scope string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.issued[scope]++
	return t.sign(accessOf(scope), time.Now())
}

type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// accessOf reads scopes as "repository:team/app:pull,push".
func accessOf(scope string) []access {
	granted := []access{}
	for each := range strings.FieldsSeq(scope) {
		kind, rest, _ := strings.Cut(each, ":")
		if at := strings.LastIndex(rest, ":"); at >= 0 {
			granted = append(granted, access{kind, rest[:at], strings.Split(rest[at+1:], ",")})
		}
	}
	return granted
}

// sign makes a JSON Web Token.
func (t *TokenService) sign(granted []access, now time.Time) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("x5c", []string{base64.StdEncoding.EncodeToString(t.certificate)})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: t.key}, options)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(map[string]any{"iss": tokenIssuer, "sub": t.user, "aud": tokenAbout, "jti": "lab",
		"iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(tokenLifetime).Unix(), "access": granted}).Serialize()
}

var errToken = errors.New("token does not allow it")

// Verify reports whether a token now allows to read a repository; "" for any.
func (t *TokenService) Verify(token, repository string) error {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return errToken
	}
	var claims struct {
		Expires int64    `json:"exp"`
		Access  []access `json:"access"`
	}
	if parsed.Claims(&t.key.PublicKey, &claims) != nil || time.Now().Unix() >= claims.Expires {
		return errToken
	}
	if repository == "" || slices.ContainsFunc(claims.Access, func(a access) bool { return a.Name == repository }) {
		return nil
	}
	return errToken
}
