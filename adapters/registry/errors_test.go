package registry_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

func TestStatusDecidesTheFault(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		want   error
	}{
		{http.StatusNotFound, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`, errkind.NotFound},
		{http.StatusNotFound, `nginx`, errkind.NotFound},
		{http.StatusBadRequest, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, errkind.NotFound},
		{http.StatusUnauthorized, `{"errors":[{"code":"UNAUTHORIZED"}]}`, errkind.Unauthorized},
		{http.StatusForbidden, ``, errkind.Unauthorized},
		{http.StatusNotFound, `{"errors":[{"code":"DENIED"}]}`, errkind.Unauthorized},
		{http.StatusTooManyRequests, ``, errkind.Unavailable},
		{http.StatusInternalServerError, ``, errkind.Unavailable},
		{http.StatusBadGateway, `<html>`, errkind.Unavailable},
		{http.StatusTeapot, ``, errkind.Invalid},
	} {
		t.Run(fmt.Sprint(test.status, test.body), func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			})
			_, err := newClient(t, registry.Options{}).Resolve(t.Context(), reference(t, host+"/app:1"), "", image.Platform{})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), host) {
				t.Errorf("error = %v, want %v that names %s", err, test.want, host)
			}
		})
	}
}

func TestUnauthorizedSaysWhatToDo(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	store.RequireBasicAuth("robot", "hunter2")
	_, err := client.Head(t.Context(), reference(t, store.Reference("app:1")))
	if !errors.Is(err, errkind.Unauthorized) || !strings.Contains(err.Error(), "docker login "+store.Host()) {
		t.Errorf("error = %v, want errkind.Unauthorized with the command to run", err)
	}
}

func TestUnreachableHostIsNamed(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	if err := store.Pause(); err != nil {
		t.Fatal(err)
	}
	_, err := client.Head(t.Context(), reference(t, store.Reference("app:1")))
	if !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), store.Host()+" refuses connections") {
		t.Errorf("error = %v, want errkind.Unavailable that names the host", err)
	}
}

func TestBrokenAnswerIsUnavailable(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	for _, broken := range []lab.Fault{{Path: "/manifests/", Drop: true}, {Path: "/manifests/", CutAfter: 10}} {
		lift := store.Fail(broken)
		_, err := client.Resolve(t.Context(), reference(t, store.Reference("app:1")), "", image.Platform{})
		if !errors.Is(err, errkind.Unavailable) {
			t.Errorf("error = %v, want errkind.Unavailable", err)
		}
		lift()
	}
}

func TestRetryAfterClosesTheHost(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	store.Fail(lab.Fault{Path: "/manifests/", Times: 1, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"120"}}})
	ref := reference(t, store.Reference("app:1"))
	for range 3 {
		_, err := client.Head(t.Context(), ref)
		var cooling *registry.CoolDownError
		if !errors.As(err, &cooling) || !errors.Is(err, errkind.Unavailable) {
			t.Fatalf("error = %v, want a CoolDownError", err)
		}
		if wait := cooling.RetryAfter(); wait <= time.Minute || wait > 2*time.Minute {
			t.Errorf("RetryAfter = %s, want what the registry asked for", wait)
		}
	}
	if got := store.Count(lab.Call{Repository: "app"}); got > 1 {
		t.Errorf("%d requests reached the registry, want 1", got)
	}
}

func TestSecretsStayOutOfErrors(t *testing.T) {
	const secret, issued = "hunter2-secret", "issued-token-secret"
	encoded := base64.StdEncoding.EncodeToString([]byte("robot:" + secret))
	var mode atomic.Value
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token" && mode.Load() == "odd token answer":
			fmt.Fprintf(w, `{"refresh_token":%q}`, issued)
		case r.URL.Path == "/token":
			fmt.Fprintf(w, `{"token":%q}`, issued)
		case mode.Load() == "echo":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":"you sent %s"}]}`, r.Header.Get("Authorization"))
		case mode.Load() == "redirect":
			http.Redirect(w, r, "http://127.0.0.1:1/blob?X-Signature="+issued, http.StatusTemporaryRedirect)
		case mode.Load() == "drop":
			panic(http.ErrAbortHandler)
		}
	})
	for _, scheme := range []string{"basic", "bearer"} {
		challenged := challenge(t, host, scheme)
		for _, failure := range []string{"echo", "redirect", "drop", "odd token answer"} {
			t.Run(scheme+" "+failure, func(t *testing.T) {
				mode.Store(failure)
				client := newClient(t, registry.Options{})
				login(t, challenged, encoded)
				_, err := client.Head(t.Context(), reference(t, challenged+"/app:1"))
				if err == nil {
					_, err = client.Resolve(t.Context(), reference(t, challenged+"/app:1"), "", image.Platform{})
				}
				for _, hidden := range []string{secret, issued, encoded} {
					if err == nil || strings.Contains(err.Error(), hidden) {
						t.Errorf("error = %v, want one without %q", err, hidden)
					}
				}
			})
		}
	}
}

// login writes a Docker configuration with credentials for a host.
func login(t *testing.T, host, auth string) {
	t.Helper()
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, auth)
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
}
