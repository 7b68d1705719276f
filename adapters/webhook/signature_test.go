package webhook_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/tagwatch/tagwatch/adapters/webhook"
	"github.com/tagwatch/tagwatch/domain/endpoint"
)

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	rawSecret = "neither base64 nor prefixed: hunter2"
)

// The standard's own library verifies what a receiver gets while a secret is
// being replaced.
func TestSignaturesAreAccepted(t *testing.T) {
	t.Parallel()
	oldKey, newKey, rawKey := key(t, oldSecret), key(t, newSecret), []byte(rawSecret)
	for _, test := range []struct {
		name    string
		signing []endpoint.SecretRef
		known   []byte // to the receiver
		valid   bool
	}{
		{"one secret", []endpoint.SecretRef{"env:OLD"}, oldKey, true},
		{"rotation, receiver has the old one", []endpoint.SecretRef{"env:NEW", "env:OLD"}, oldKey, true},
		{"rotation, receiver has the new one", []endpoint.SecretRef{"env:NEW", "env:OLD"}, newKey, true},
		{"after the rotation, receiver has the old one", []endpoint.SecretRef{"env:NEW"}, oldKey, false},
		{"a text as secret", []endpoint.SecretRef{"env:RAW"}, rawKey, true},
		{"another secret", []endpoint.SecretRef{"env:RAW"}, oldKey, false},
		{"no secret", nil, oldKey, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			verifier, err := standardwebhooks.NewWebhookRaw(test.known)
			if err != nil {
				t.Fatal(err)
			}
			r := newReceiver(t, func(w http.ResponseWriter, request *http.Request) {
				body, _ := io.ReadAll(request.Body)
				if err := verifier.Verify(body, request.Header); err != nil {
					http.Error(w, err.Error(), http.StatusUnauthorized)
				}
			})
			sender := newSender(t, webhook.Options{Secrets: secretsOf(map[endpoint.SecretRef]string{"env:OLD": oldSecret, "env:NEW": newSecret, "env:RAW": rawSecret})})
			got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: r.URL, Signing: test.signing}, newMessage())
			if valid := got.Status == http.StatusOK; valid != test.valid {
				t.Errorf("valid is %t, want %t: status %d %s %v", valid, test.valid, got.Status, got.Excerpt, got.Err)
			}
		})
	}
}

func key(t *testing.T, secret string) []byte {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestSigningSecretThatIsNoBase64(t *testing.T) {
	t.Parallel()
	sender := newSender(t, webhook.Options{Secrets: secretsOf(map[endpoint.SecretRef]string{"env:S": "whsec_hunter2!"})})
	got := sender.Send(t.Context(), endpoint.Endpoint{Name: "e", URL: "http://127.0.0.1:9", Signing: []endpoint.SecretRef{"env:S"}}, newMessage())
	if webhook.FailureOf(got.Err) != webhook.FailureSecret || !strings.Contains(got.Err.Error(), "env:S") || strings.Contains(got.Err.Error(), "hunter2") {
		t.Errorf("failure %q: %v; want one that names the reference and not the secret", webhook.FailureOf(got.Err), got.Err)
	}
}
