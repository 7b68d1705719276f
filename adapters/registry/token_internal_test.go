package registry

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// Services write the lifetime of a token in many ways, none of which makes the
// token worthless.
func TestLifetimeOfTokens(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`missing`: 0, `-300`: 0, `"-300.0"`: 0,
		`300`: 5 * time.Minute, `300.0`: 5 * time.Minute, `3e2`: 5 * time.Minute, `"300"`: 5 * time.Minute, `"300.0"`: 5 * time.Minute,
		`0.5`: time.Second / 2, `" 60 "`: time.Minute, `1e300`: 24 * time.Hour, `9223372036854775807`: 24 * time.Hour,
		`0`: 0, `-1`: 0, `null`: 0, `"soon"`: 0, `""`: 0, `true`: 0, `{"seconds":300}`: 0, `1e999`: 0,
	} {
		t.Run(text, func(t *testing.T) {
			var answer issued
			body := fmt.Sprintf(`{"token":"t","expires_in":%s}`, text)
			if text == "missing" {
				body = `{"token":"t"}`
			}
			if err := json.Unmarshal([]byte(body), &answer); err != nil || time.Duration(answer.ExpiresIn) != want {
				t.Errorf("lifetime %s, %v; want %s", time.Duration(answer.ExpiresIn), err, want)
			}
			if _, err := impatient(t).Head(t.Context(), tokenized(t, body)); err != nil {
				t.Error(err)
			}
		})
	}
}

// tokenized is a tag of a registry whose token service has one answer.
func tokenized(t *testing.T, answer string) image.Reference {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			fmt.Fprint(w, answer)
		case r.Header.Get("Authorization") != "Bearer t":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set(digestHeader, "sha256:"+strings.Repeat("a", 64))
		}
	}))
	t.Cleanup(server.Close)
	return image.Repository{Registry: strings.TrimPrefix(server.URL, "http://"), Path: "app"}.Reference("1")
}
