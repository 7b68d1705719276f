package push_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/push"
	"github.com/tagwatch/tagwatch/domain/endpoint"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	secret  = "right-secret-of-a-source"
	renewed = "next-secret-of-the-source"
	wrong   = "wrong-secret-of-a-source"
)

// receiver is a handler behind HTTP, with the events and errors that it reported.
type receiver struct {
	url string

	mu       sync.Mutex
	woken    []push.Event
	verdicts []string
	errors   []error
	fails    error
}

func receive(t *testing.T, sources ...push.Source) *receiver {
	t.Helper()
	r := &receiver{}
	handler, err := push.NewHandler(push.Options{Sources: sources, Secrets: secrets, Wake: r.wake, Observe: r.observe})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func secrets(ref endpoint.SecretRef) (string, error) {
	if ref == "env:SOURCE" {
		return secret + "\n" + renewed + "\n", nil
	}
	return "", fmt.Errorf("%s is not set: %w", ref, errkind.Unavailable)
}

func (r *receiver) wake(_ context.Context, events []push.Event) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.woken = append(r.woken, events...)
	return len(events), r.fails
}

func (r *receiver) observe(_ context.Context, source string, verdict push.Verdict, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verdicts, r.errors = append(r.verdicts, source+" "+string(verdict)), append(r.errors, err)
}

// post sends a body and returns the status and the answer.
func (r *receiver) post(t *testing.T, path string, body []byte, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func signature(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// TestProofs drives each way of proving, right and wrong.
func TestProofs(t *testing.T) {
	t.Parallel()
	r := receive(t, push.Source{Name: "shop", Kind: push.Distribution, Secret: "env:SOURCE"},
		push.Source{Name: "hub", Kind: push.DockerHub, Secret: "env:SOURCE"},
		push.Source{Name: "code", Kind: push.GitHub, Secret: "env:SOURCE"},
		push.Source{Name: "any", Kind: push.Generic, Secret: "env:SOURCE"})
	distribution, hub, github, generic := documented(t, "distribution_push.json"), documented(t, "dockerhub.json"),
		documented(t, "github_package.json"), documented(t, "generic.json")
	for _, test := range []struct {
		name, path string
		body       []byte
		headers    []string
		status     int
	}{
		{"bearer", "/push/shop", distribution, []string{"Authorization", "Bearer " + secret}, 200},
		{"the next secret", "/push/shop", distribution, []string{"Authorization", "bearer " + renewed}, 200},
		{"the header as it is", "/push/shop", distribution, []string{"Authorization", secret}, 200},
		{"a wrong header", "/push/shop", distribution, []string{"Authorization", "Bearer " + wrong}, 401},
		{"a part of it", "/push/shop", distribution, []string{"Authorization", "Bearer " + secret[:20]}, 401},
		{"both lines at once", "/push/shop", distribution, []string{"Authorization", "Bearer " + secret + "\t" + renewed}, 401},
		{"no header", "/push/shop", distribution, nil, 401},
		{"a query where a header is required", "/push/shop?token=" + secret, distribution, nil, 401},
		{"a query", "/push/hub?token=" + secret, hub, nil, 200},
		{"a wrong query", "/push/hub?token=" + wrong, hub, nil, 401},
		{"an empty query", "/push/hub?token=", hub, nil, 401},
		{"a signature", "/push/code", github, []string{"X-Hub-Signature-256", signature(secret, github)}, 200},
		{"a signature with the next secret", "/push/code", github, []string{"X-Hub-Signature-256", signature(renewed, github)}, 200},
		{"a signature of something else", "/push/code", github, []string{"X-Hub-Signature-256", signature(secret, hub)}, 401},
		{"a signature with another secret", "/push/code", github, []string{"X-Hub-Signature-256", signature(wrong, github)}, 401},
		{"a signature that is none", "/push/code", github, []string{"X-Hub-Signature-256", "sha256=zz"}, 401},
		{"an empty signature", "/push/code", github, []string{"X-Hub-Signature-256", "sha256="}, 401},
		{"the secret where a signature is required", "/push/code", github, []string{"Authorization", "Bearer " + secret}, 401},
		{"generic by header", "/push/any", generic, []string{"Authorization", "Bearer " + secret}, 200},
		{"generic by signature", "/push/any", generic, []string{"X-Hub-Signature-256", signature(secret, generic)}, 200},
		{"another's path", "/push/nobody", distribution, []string{"Authorization", "Bearer " + secret}, 401},
	} {
		status, text := r.post(t, test.path, test.body, test.headers...)
		if status != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.name, status, test.status, text)
		}
		if test.status == 401 && text != "not authorized\n" {
			t.Errorf("%s: a refusal says %q", test.name, text)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.woken) != 10 {
		t.Errorf("woken %v", r.woken)
	}
	for _, err := range r.errors {
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), wrong)) {
			t.Errorf("the error contains a secret: %v", err)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	allowed := []string{"Authorization", "Bearer " + secret}
	for _, test := range []struct {
		name    string
		body    string
		fails   error
		status  int
		answer  string
		verdict string
	}{
		{"woken", `{"reference": "registry.example.com/shop/api:1"}`, nil, 200, `{"woken":1}`, "any woken"},
		{"another kind", `{"events": []}`, nil, 400, "reference", "any malformed"},
		{"too large", `{"reference": "` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, "bytes", "any limited"},
		{"too many", `{"references": [` + strings.Repeat(`"registry.example.com/a:1",`, 1000) + `"registry.example.com/a:1"]}`, nil, 413, "1000 tags", "any limited"},
		{"the store is away", `{"reference": "registry.example.com/shop/api:1"}`, errors.New("dial 10.1.2.3"), 503, "try again", "any failed"},
		{"the store refuses", `{"reference": "registry.example.com/shop/api:1"}`, fmt.Errorf("x: %w", errkind.Invalid), 503, "try again", "any failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, push.Source{Name: "any", Kind: push.Generic, Secret: "env:SOURCE"})
			r.fails = test.fails
			status, text := r.post(t, "/push/any", []byte(test.body), allowed...)
			if status != test.status || !strings.Contains(text, test.answer) || strings.Contains(text, "10.1.2.3") {
				t.Errorf("%d %q, want %d %q", status, text, test.status, test.answer)
			}
			if diff := cmp.Diff([]string{test.verdict}, r.verdicts); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestOtherRequests(t *testing.T) {
	t.Parallel()
	r := receive(t, push.Source{Name: "any", Kind: push.Generic, Secret: "env:SOURCE"})
	for path, want := range map[string]int{"/push/any": 405, "/": 404, "/metrics": 404} {
		answer, err := http.Get(r.url + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, answer.StatusCode, want)
		}
	}
	if status, _ := r.post(t, "/push/any/more", nil); status != 404 {
		t.Errorf("a longer path: %d", status)
	}
}

// TestFlood: a source that sends without end has to wait, and its pushes are
// taken again later; another is not concerned.
func TestFlood(t *testing.T) {
	t.Parallel()
	r := receive(t, push.Source{Name: "loud", Kind: push.Generic, Secret: "env:SOURCE"}, push.Source{Name: "calm", Kind: push.Generic, Secret: "env:SOURCE"})
	body := []byte(`{"reference": "registry.example.com/shop/api:1"}`)
	limited := 0
	for range 2000 {
		if status, _ := r.post(t, "/push/loud", body, "Authorization", "Bearer "+secret); status == http.StatusTooManyRequests {
			limited++
		}
		if limited > 0 {
			break
		}
	}
	if limited == 0 {
		t.Error("2000 pushes at once were taken")
	}
	if status, _ := r.post(t, "/push/calm", body, "Authorization", "Bearer "+secret); status != 200 {
		t.Errorf("the other source gets %d", status)
	}
}

func TestSecretsAreReadFirst(t *testing.T) {
	t.Parallel()
	for ref, says := range map[endpoint.SecretRef]string{"env:NONE": "env:NONE is not set", "env:SHORT": "fewer than 16 characters"} {
		_, err := push.NewHandler(push.Options{Sources: []push.Source{{Name: "shop", Kind: push.Harbor, Secret: ref}},
			Secrets: func(ref endpoint.SecretRef) (string, error) {
				if ref == "env:SHORT" {
					return "hunter2", nil
				}
				return secrets(ref)
			}})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "shop") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", ref, err, says)
		}
	}
}

// holds fails unless an event is a reference at the registry.
func holds(t *testing.T, event push.Event, registry string) {
	t.Helper()
	text := event.Repository.String()
	repository, err := image.ParseRepository(text)
	if err != nil || repository != event.Repository {
		t.Errorf("%q is no repository: %v", text, err)
	}
	if registry != "" && event.Repository.Registry != registry {
		t.Errorf("%q is not at %q", text, registry)
	}
	if event.Tag == "" {
		return
	}
	reference, err := image.ParseReference(text + ":" + event.Tag)
	if err != nil || reference != event.Repository.Reference(event.Tag) {
		t.Errorf("%q with tag %q is no reference: %v", text, event.Tag, err)
	}
}
