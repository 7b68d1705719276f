package registry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// both is what crane and Tagwatch make of a registry.
type both struct{ crane, tagwatch string }

// comparison is a table of requests and verdicts beside each other.
type comparison struct{ rows []string }

func (c *comparison) add(t *testing.T, name string, want, got both, craneAsked, tagwatchAsked string) {
	t.Helper()
	c.rows = append(c.rows, fmt.Sprintf("%-34s %-6s %-58s %-6s %s", name, got.crane, craneAsked, got.tagwatch, tagwatchAsked))
	if got != want {
		t.Errorf("verdicts %+v, want %+v", got, want)
	}
}

// The same registries, asked by crane and by Tagwatch: requests and verdicts
// beside each other. Run it with -v to see the table.
func TestBesideCrane(t *testing.T) {
	table := &comparison{rows: []string{fmt.Sprintf("%-34s %-6s %-58s %s", "registry", "crane", "", "tagwatch")}}
	t.Run("images", func(t *testing.T) { imagesBesideCrane(t, table) })
	t.Run("tags", func(t *testing.T) { tagsBesideCrane(t, table) })
	t.Run("names", func(t *testing.T) { namesBesideCrane(t, table) })
	t.Log("\n" + strings.Join(table.rows, "\n"))
}

func imagesBesideCrane(t *testing.T, table *comparison) {
	amd := build(t, lab.Platform("linux/amd64"), content(t, "amd"))
	want := must(amd.Digest())(t).String()
	old := must(lab.Rewrite(amd, "application/octet-stream", func(fields map[string]any) { fields["created"] = "0000-00-00T00:00:00Z" }))(t)
	for _, test := range []struct {
		name  string
		index v1.ImageIndex // nil for amd alone
		image v1.Image      // nil for amd
		fault lab.Fault
		want  both
	}{
		{name: "plain", want: both{"ok", "ok"}},
		{name: "HEAD answers 404", fault: lab.Fault{Method: http.MethodHead, Path: "/manifests/", Status: 404}, want: both{"ok", "ok"}},
		{name: "index in an index", index: indexOf(offered(t, indexOf(offered(t, amd, "linux/amd64")), "")), want: both{"ok", "ok"}},
		{name: "chart first", index: indexOf(offered(t, chart(t, "application/vnd.cncf.helm.config.v1+json"), ""), offered(t, amd, "linux/amd64")), want: both{"other", "ok"}},
		{name: "octet stream, year 0", image: old, want: both{"error", "ok"}},
		{name: "config cut short", fault: lab.Fault{Path: "/blobs/", Replace: func(b []byte) []byte { return b[:9] }}, want: both{"error", "error"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, client := startLab(t), newClient(t, registry.Options{})
			expected := want
			switch {
			case test.index != nil:
				push(t, store, "app:1", test.index)
			case test.image != nil:
				expected = string(push(t, store, "app:1", test.image))
			default:
				push(t, store, "app:1", amd)
			}
			if test.fault.Path != "" {
				store.Fail(test.fault)
			}
			ref := reference(t, store.Reference("app:1"))
			got := both{crane: judged(byCrane(store.Reference("app:1")))(expected)}
			asked := requests(store)
			got.tagwatch = judged(byTagwatch(t, client, ref))(expected)
			table.add(t, test.name, test.want, got, asked, requests(store))
		})
	}
}

// scripted is a registry that answers as a test says, and counts.
func scripted(t *testing.T, answer http.HandlerFunc) (host string, asked func() string) {
	t.Helper()
	var mu sync.Mutex
	counted := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := "ping"
		for _, each := range []string{"token", "manifests", "blobs", "tags"} {
			if strings.Contains(r.URL.Path, each) {
				kind = strings.TrimSuffix(each, "s")
			}
		}
		mu.Lock()
		counted[r.Method+" "+kind]++
		mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), func() string {
		mu.Lock()
		defer mu.Unlock()
		text := strings.TrimPrefix(fmt.Sprint(counted), "map")
		clear(counted)
		return text
	}
}

// tagsBesideCrane lists the tags a, b and c.
func tagsBesideCrane(t *testing.T, table *comparison) {
	pages := func(link string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/v2/":
			case r.URL.Query().Get("last") == "":
				w.Header().Set("Link", strings.ReplaceAll(link, "HOST", r.Host))
				fmt.Fprint(w, `{"tags":["a","b"]}`)
			default:
				fmt.Fprint(w, `{"tags":["c"]}`)
			}
		}
	}
	scoped := func(want string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch scope := r.Header.Get("Authorization"); {
			case r.URL.Path == "/token":
				fmt.Fprintf(w, `{"token":%q}`, strings.ReplaceAll(r.URL.Query().Get("scope"), " ", "_"))
			case r.URL.Path == "/v2/" || scope != "Bearer "+want:
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="lab",scope=%q`, r.Host, want))
				w.WriteHeader(http.StatusUnauthorized)
			default:
				fmt.Fprint(w, `{"tags":["a","b","c"]}`)
			}
		}
	}
	const query = "/v2/app/tags/list?last=b&n=2"
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   both
	}{
		{"next page by a path", pages("<" + query + `>; rel="next"`), both{"ok", "ok"}},
		{"next page by an address", pages("<http://HOST" + query + `>; rel="next"`), both{"ok", "ok"}},
		{"next page by its query alone", pages(`<?last=b&n=2>; rel="next"`), both{"ok", "ok"}},
		{`rel="Next"`, pages("<" + query + `>; rel="Next"`), both{"ok", "ok"}},
		{"rel=next", pages("<" + query + `>; rel=next`), both{"ok", "ok"}},
		{"among other links", pages(`</v2/>; rel="up", <` + query + `>; rel="next"`), both{"error", "ok"}},
		{"at an inner address", pages("<http://registry.internal:5000" + query + `>; rel="next"`), both{"error", "ok"}},
		{"200 with errors", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/" {
				fmt.Fprint(w, `{"errors":[{"code":"UNAVAILABLE"}]}`)
			}
		}, both{"other", "error"}},
		{"a list needs pull", scoped("repository:app:pull"), both{"ok", "ok"}},
		{"a list needs metadata_read", scoped("repository:app:metadata_read"), both{"ok", "ok"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			host, asked := scripted(t, test.answer)
			client := newClient(t, registry.Options{})
			var got both
			tags, err := crane.ListTags(host + "/app")
			got.crane = judged(strings.Join(tags, " "), err)("a b c")
			first := asked()
			tags, err = list(t, client, host)
			got.tagwatch = judged(strings.Join(tags, " "), err)("a b c")
			table.add(t, test.name, test.want, got, first, asked())
		})
	}
}

// namesBesideCrane resolves and reads an image through what may stand between.
func namesBesideCrane(t *testing.T, table *comparison) {
	for _, test := range []struct {
		name  string
		front func(t *testing.T, store *lab.Registry, service *lab.TokenService) (host string)
		ref   string // what follows app; the tag if empty
		want  both
	}{
		{name: "redirects all to another registry", want: both{"ok", "ok"}, front: func(t *testing.T, store *lab.Registry, _ *lab.TokenService) string {
			return newVanity(t, http.StatusTemporaryRedirect, store.Host(), nil, nil).host()
		}},
		{name: "redirects all to one with tokens", want: both{"error", "ok"}, front: func(t *testing.T, store *lab.Registry, service *lab.TokenService) string {
			store.RequireTokens(service)
			return newVanity(t, http.StatusPermanentRedirect, store.Host(), nil, nil).host()
		}},
		{name: "redirects all but /v2/", want: both{"error", "ok"}, front: func(t *testing.T, store *lab.Registry, service *lab.TokenService) string {
			store.RequireTokens(service)
			return newVanity(t, http.StatusTemporaryRedirect, store.Host(), nil, func(_ http.ResponseWriter, r *http.Request) bool { return r.URL.Path == "/v2/" }).host()
		}},
		{name: "asks for tokens at manifests only", want: both{"error", "ok"}, front: func(t *testing.T, store *lab.Registry, service *lab.TokenService) string {
			store.RequireTokens(service)
			store.Fail(lab.Fault{When: func(r *http.Request) bool { return r.URL.Path == "/v2/" }, Status: http.StatusOK})
			return store.Host()
		}},
		{name: "digest", ref: "digest", want: both{"ok", "ok"}, front: func(_ *testing.T, store *lab.Registry, _ *lab.TokenService) string { return store.Host() }},
		{name: "digest, HEAD answers 404", ref: "digest", want: both{"ok", "ok"}, front: func(_ *testing.T, store *lab.Registry, _ *lab.TokenService) string {
			store.Fail(lab.Fault{Method: http.MethodHead, Path: "/manifests/", Status: http.StatusNotFound})
			return store.Host()
		}},
		{name: "cache: HEAD new, GET old", want: both{"other", "ok"}, front: func(t *testing.T, store *lab.Registry, _ *lab.TokenService) string {
			old, err := build(t, lab.Platform("linux/amd64"), content(t, "old")).RawManifest()
			if err != nil {
				t.Fatal(err)
			}
			push(t, store, "app:0", build(t, lab.Platform("linux/amd64"), content(t, "old")))
			store.Fail(lab.Fault{Method: http.MethodGet, Path: "/manifests/1", Status: http.StatusOK, Body: string(old),
				Header: http.Header{"Content-Type": {"application/vnd.docker.distribution.manifest.v2+json"}}})
			return store.Host()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, client, service := startLab(t), newClient(t, registry.Options{}), tokens(t, nil, "", "", "")
			want := push(t, store, "app:1", build(t, lab.Platform("linux/amd64"), content(t, "new")))
			name := test.front(t, store, service) + "/app:1"
			if test.ref == "digest" {
				name = strings.TrimSuffix(name, ":1") + "@" + string(want)
			}
			store.Forget()
			got := both{crane: judged(byCrane(name))(string(want))}
			asked := requests(store)
			got.tagwatch = judged(byTagwatch(t, client, reference(t, name)))(string(want))
			table.add(t, test.name, test.want, got, asked, requests(store))
		})
	}
}

func judged(digest string, err error) func(want string) string {
	return func(want string) string {
		switch {
		case err != nil:
			return "error"
		case digest != want:
			return "other"
		}
		return "ok"
	}
}

// byCrane resolves the image and reads its configuration.
func byCrane(name string) (string, error) {
	if _, err := crane.Digest(name); err != nil {
		return "", err
	}
	pulled, err := crane.Pull(name, crane.WithPlatform(&v1.Platform{OS: "linux", Architecture: "amd64"}))
	if err != nil {
		return "", err
	}
	if _, err := pulled.ConfigFile(); err != nil {
		return "", err
	}
	digest, err := pulled.Digest()
	return digest.String(), err
}

func byTagwatch(t *testing.T, client *registry.Registry, ref image.Reference) (string, error) {
	top, err := client.Head(t.Context(), ref)
	if err != nil {
		return "", err
	}
	resolved, err := client.Resolve(t.Context(), ref, top, image.Platform{})
	if err != nil {
		return "", err
	}
	raw, err := client.Image(ref.Repository, resolved.Manifest).Config(t.Context())
	if err == nil {
		_, err = image.ParseConfiguration(raw)
	}
	return string(resolved.Manifest), err
}

// requests are those since the last time, in short.
func requests(store *lab.Registry) string {
	counted := map[string]int{}
	for _, call := range store.Calls() {
		counted[call.Method+" "+string(call.Kind)]++
	}
	store.Forget()
	return strings.TrimPrefix(fmt.Sprint(counted), "map")
}
