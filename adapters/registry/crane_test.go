package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

// The same registries, asked by crane and by Tagwatch: requests and verdicts
// beside each other. Run it with -v to see the table.
func TestBesideCrane(t *testing.T) {
	amd := build(t, lab.Platform("linux/amd64"), content(t, "amd"))
	want := must(amd.Digest())(t).String()
	old := must(lab.Rewrite(amd, "application/octet-stream", func(fields map[string]any) { fields["created"] = "0000-00-00T00:00:00Z" }))(t)
	type verdict struct{ crane, tagwatch string }
	for _, test := range []struct {
		name  string
		index v1.ImageIndex // nil for amd alone
		image v1.Image      // nil for amd
		fault lab.Fault
		want  verdict
	}{
		{name: "plain", want: verdict{"ok", "ok"}},
		{name: "HEAD answers 404", fault: lab.Fault{Method: http.MethodHead, Path: "/manifests/", Status: 404}, want: verdict{"ok", "ok"}},
		{name: "index in an index", index: indexOf(offered(t, indexOf(offered(t, amd, "linux/amd64")), "")), want: verdict{"ok", "ok"}},
		{name: "chart first", index: indexOf(offered(t, chart(t, "application/vnd.cncf.helm.config.v1+json"), ""), offered(t, amd, "linux/amd64")), want: verdict{"other", "ok"}},
		{name: "octet stream, year 0", image: old, want: verdict{"error", "ok"}},
		{name: "config cut short", fault: lab.Fault{Path: "/blobs/", Replace: func(b []byte) []byte { return b[:9] }}, want: verdict{"error", "error"}},
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
			got := verdict{crane: judged(byCrane(store.Reference("app:1")))(expected)}
			asked := requests(store)
			got.tagwatch = judged(byTagwatch(t, client, ref))(expected)
			t.Logf("%-22s crane %-6s %s | tagwatch %-6s %s", test.name, got.crane, asked, got.tagwatch, requests(store))
			if got != test.want {
				t.Errorf("verdicts %+v, want %+v", got, test.want)
			}
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
