package registry_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// behind puts a server before a registry that may change each answer.
func behind(t *testing.T, host string, change func(*http.Response) error) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host})
	proxy.ModifyResponse = change
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// squeeze compresses an answer on the way.
func squeeze(resp *http.Response) error {
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(content) // a buffer takes all
	_ = w.Close()
	resp.Body = io.NopCloser(&packed)
	resp.Header.Del("Content-Length")
	resp.ContentLength = -1
	return label(resp)
}

func label(resp *http.Response) error {
	resp.Header.Set("Content-Encoding", "gzip")
	return nil
}

// What is labelled as compressed, whether it is or not, arrives as its digest
// names it.
func TestContentEncoding(t *testing.T) {
	for name, change := range map[string]func(*http.Response) error{"a label alone": label, "compressed on the way": squeeze} {
		t.Run(name, func(t *testing.T) {
			store, client := startLab(t), newClient(t, registry.Options{})
			digest := push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", strings.Repeat("x", 1<<16)))))
			ref := reference(t, behind(t, store.Host(), func(resp *http.Response) error {
				if resp.Request.Method == http.MethodGet && resp.StatusCode == http.StatusOK && resp.Request.URL.Path != "/v2/" {
					return change(resp)
				}
				return nil
			})+"/app:1")
			resolved, err := client.Resolve(t.Context(), ref, "", image.Platform{})
			if err != nil || resolved.Manifest != digest {
				t.Fatalf("resolved %+v, %v; want %s", resolved, err, digest)
			}
			found := client.Image(ref.Repository, digest)
			manifest, err := found.Manifest(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := found.Config(t.Context()); err != nil {
				t.Error(err)
			}
			for _, layer := range layersOf(t, manifest) {
				body, err := found.Layer(t.Context(), layer)
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(body)
				if got := image.Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(content))); err != nil || got != layer {
					t.Errorf("layer %s arrives as %s, %v", layer, got, err)
				}
				_ = body.Close()
			}
		})
	}
}

// What a store says that a registry redirects to is the store's, and nothing
// about the image.
func TestErrorsOfAStoreNameIt(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		says   string
	}{
		{http.StatusForbidden, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Signature>s3cret</Signature></Error>`, "AccessDenied"},
		{http.StatusNotFound, `<Error><Code>NoSuchKey</Code></Error>`, "NoSuchKey"},
		{http.StatusUnauthorized, "", "401"},
		{http.StatusBadRequest, "expired", "400"},
		{http.StatusServiceUnavailable, "", "503"},
	} {
		t.Run(http.StatusText(test.status), func(t *testing.T) {
			store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer store.Close()
			ref := reference(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, store.URL+"/bucket/blob?X-Amz-Signature=s3cret", http.StatusTemporaryRedirect)
			})+"/app:1")
			_, err := newClient(t, registry.Options{}).Image(ref.Repository, "").Layer(t.Context(), image.Digest("sha256:"+strings.Repeat("a", 64)))
			at := strings.TrimPrefix(store.URL, "http://")
			if !errors.Is(err, errkind.Unavailable) || !strings.Contains(err.Error(), at) || !strings.Contains(err.Error(), ref.Registry) ||
				!strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "docker login") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Limits are of those who set them: the registry is asked on while its token
// service or its store wants a pause.
func TestLimitsOfOthers(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	push(t, store, "app:1", build(t, lab.Copy("/app", lab.Text("/app", "x"))))
	if err := store.Tag("app:1", "2"); err != nil {
		t.Fatal(err)
	}
	service := tokens(t, nil, "", "", "")
	store.RequireTokens(service)
	app := reference(t, store.Reference("app:1"))
	if _, err := client.Head(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	service.Fail(lab.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"120"}}})
	_, err := client.Head(t.Context(), reference(t, store.Reference("other:1")))
	if !strings.Contains(fmt.Sprint(err), "token service "+service.Host()) || retryAfter(err) < 100e9 {
		t.Errorf("error %v, to be tried again in %s", err, retryAfter(err))
	}
	if _, err := client.Head(t.Context(), app); err != nil {
		t.Errorf("requests with the present token fail: %v", err)
	}
	if rateLimit := client.RateLimit(store.Host()); rateLimit.Closed != "" {
		t.Errorf("the registry %s", rateLimit.Closed)
	}
}
