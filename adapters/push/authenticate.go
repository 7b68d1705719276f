package push

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
)

// leastSecret is the shortest secret that is taken, in bytes.
const leastSecret = 16

// errRefused does not say which part was wrong: that would help an attacker.
var errRefused = fmt.Errorf("the request does not prove that it comes from this source: %w", errkind.Unauthorized)

// Secrets reads what a reference names.
type Secrets func(endpoint.SecretRef) (string, error)

// gate lets the requests of one source in.
type gate struct {
	secret  endpoint.SecretRef
	proofs  []proof
	secrets Secrets
	token   *tokenCheck // nil where none is required
}

// admit checks everything but the body, so that strangers are refused before it is
// read. Signed reports that the body's signature decides.
func (g gate) admit(r *http.Request) (signed bool, err error) {
	if g.token != nil {
		if err := g.token.check(r.Context(), bearer(r)); err != nil {
			return false, err
		}
	}
	if g.secret == "" {
		return false, nil
	}
	accepted, err := g.accepted()
	if err != nil {
		return false, &failure{err}
	}
	for _, by := range g.proofs {
		if by == bySignature && signatureOf(r) != nil {
			return true, nil
		}
		if offered := credential(r, by); offered != "" && anyEqual(accepted, offered) {
			return false, nil
		}
	}
	return false, errRefused
}

// verify checks the signature of a body.
func (g gate) verify(r *http.Request, body []byte) error {
	accepted, err := g.accepted()
	if err != nil {
		return &failure{err}
	}
	given, right := signatureOf(r), 0
	for _, secret := range accepted {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		right |= subtle.ConstantTimeCompare(mac.Sum(nil), given)
	}
	if right == 0 {
		return errRefused
	}
	return nil
}

// signatureHeader is GitHub's: sha256= and the HMAC-SHA256 of the body in
// hexadecimal digits.
//
// Specification: https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
const signatureHeader = "X-Hub-Signature-256"

// signatureOf is the signature in a request; nil without a well-formed one.
func signatureOf(r *http.Request) []byte {
	given, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get(signatureHeader), "sha256="))
	if err != nil || len(given) != sha256.Size {
		return nil
	}
	return given
}

// accepted are the secrets, one a line.
func (g gate) accepted() ([]string, error) {
	text, err := g.secrets(g.secret)
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	lines := strings.Fields(text)
	for _, line := range lines {
		if len(line) < leastSecret {
			return nil, fmt.Errorf("the secret %s has fewer than %d characters; make one with openssl rand -hex 32: %w", g.secret, leastSecret, errkind.Invalid)
		}
	}
	if len(lines) == 0 {
		return nil, errors.New("the secret is empty")
	}
	return lines, nil
}

// credential is what a request offers as the secret.
func credential(r *http.Request, by proof) string {
	switch by {
	case byHeader:
		return bearer(r)
	case byQuery:
		return r.URL.Query().Get("token")
	}
	return ""
}

// bearer is the Authorization header without the word Bearer, which operators of
// Harbor and others may leave out.
func bearer(r *http.Request) string {
	header := r.Header.Get("Authorization")
	if scheme, rest, found := strings.Cut(header, " "); found && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(rest)
	}
	return header
}

// anyEqual takes the same time whichever secret is right, and however much of it.
func anyEqual(accepted []string, offered string) bool {
	given := sha256.Sum256([]byte(offered))
	right := 0
	for _, secret := range accepted {
		want := sha256.Sum256([]byte(secret))
		right |= subtle.ConstantTimeCompare(want[:], given[:])
	}
	return right == 1
}
