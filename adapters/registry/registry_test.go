package registry_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tagwatch/tagwatch/adapters/registry"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/lab"
)

func TestHeadCostsOneRequestAndFollowsTheTag(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	ref := reference(t, store.Reference("team/app:1"))
	for _, content := range []string{"one", "two"} {
		want := push(t, store, "team/app:1", build(t, lab.Copy("/app", lab.Text("/app", content))))
		store.Forget()
		got, err := client.Head(t.Context(), ref)
		if err != nil || got != want {
			t.Fatalf("Head = %s, %v; want %s", got, err, want)
		}
		manifests := 0
		for _, call := range store.Calls() {
			if strings.Contains(fmt.Sprint(call), "app") {
				manifests++
			}
		}
		if manifests != 1 {
			t.Errorf("calls = %v, want one for the tag", store.Calls())
		}
	}
}

func TestHeadFallsBackToGet(t *testing.T) {
	manifest := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{}}`
	for name, head := range map[string]http.HandlerFunc{
		"method not allowed": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) },
		"no digest":          func(http.ResponseWriter, *http.Request) {},
	} {
		t.Run(name, func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					head(w, r)
					return
				}
				fmt.Fprint(w, manifest)
			})
			got, err := newClient(t, registry.Options{}).Head(t.Context(), reference(t, host+"/app:1"))
			if err != nil || len(got.Hex()) != 64 {
				t.Errorf("Head = %q, %v; want the digest of the content", got, err)
			}
		})
	}
}

func TestResolve(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	single := build(t, lab.Copy("/app", lab.Text("/app", "single")))
	amd := build(t, lab.Platform("linux/amd64"), lab.Copy("/app", lab.Text("/app", "amd")))
	arm := build(t, lab.Platform("linux/arm64/v8"), lab.Copy("/app", lab.Text("/app", "arm")))
	index, err := lab.NewIndex(amd, arm)
	if err != nil {
		t.Fatal(err)
	}
	attestation := mutate.IndexAddendum{Add: empty.Image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}}
	manifest := push(t, store, "app:single", single)
	alone := push(t, store, "app:arm", arm)
	top := push(t, store, "app:multi", mutate.AppendManifests(index, attestation))
	digestOf := func(i v1.Image) image.Digest {
		digest, err := i.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return image.Digest(digest.String())
	}
	for _, test := range []struct {
		name, tag, platform string
		want                image.Resolved
		fault               error
	}{
		{name: "manifest", tag: "single", want: image.Resolved{Manifest: manifest}},
		{name: "manifest of the platform", tag: "single", platform: "linux/amd64", want: image.Resolved{Manifest: manifest}},
		{name: "manifest of another platform", tag: "single", platform: "linux/arm64", fault: errkind.NotFound},
		{name: "manifest of a variant", tag: "arm", platform: "linux/arm64", want: image.Resolved{Manifest: alone}},
		{name: "manifest of another platform than the default, which nobody asked for", tag: "arm", want: image.Resolved{Manifest: alone}},
		{name: "default platform of an index", tag: "multi", want: image.Resolved{Manifest: digestOf(amd), Index: top}},
		{name: "usual variant", tag: "multi", platform: "linux/arm64", want: image.Resolved{Manifest: digestOf(arm), Index: top}},
		{name: "missing platform", tag: "multi", platform: "linux/s390x", fault: errkind.NotFound},
		{name: "attestation is no platform", tag: "multi", platform: "unknown/unknown", fault: errkind.NotFound},
		{name: "missing tag", tag: "none", fault: errkind.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			platform, err := image.ParsePlatform(test.platform)
			if err != nil {
				t.Fatal(err)
			}
			got, err := client.Resolve(t.Context(), reference(t, store.Reference("app:"+test.tag)), "", platform)
			if !errors.Is(err, test.fault) || got != test.want {
				t.Errorf("Resolve = %+v, %v; want %+v, %v", got, err, test.want, test.fault)
			}
		})
	}
}

func TestResolveRefusesWhatIsNoImage(t *testing.T) {
	for _, test := range []struct {
		name, contentType, body, says string
		header                        http.Header
		want                          error // errkind.Invalid if nil
	}{
		{name: "schema 1", contentType: "application/vnd.docker.distribution.manifest.v1+prettyjws", body: `{"schemaVersion":1}`, says: "schema 1"},
		{name: "index and manifest at once", body: `{"schemaVersion":2,"manifests":[],"layers":[]}`, says: "both"},
		{name: "chart", body: `{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json"},"layers":[]}`, says: "charts"},
		{name: "web page", contentType: "text/html", body: `<html>`, says: "JSON", want: errkind.Unavailable},
		{name: "empty object", contentType: "text/html", body: `{}`, says: "neither an image", want: errkind.Unavailable},
		{name: "errors", contentType: "application/json", body: `{"errors":[{"code":"UNKNOWN"}]}`, says: "neither an image", want: errkind.Unavailable},
		{name: "cut short", contentType: string(types.OCIManifestSchema1), body: `{"schemaVersion":2,"conf`, says: "JSON", want: errkind.Unavailable},
		{name: "digest that is not the content's", body: `{"schemaVersion":2,"manifests":[]}`,
			header: http.Header{"Docker-Content-Digest": {"sha256:" + strings.Repeat("0", 64)}}, says: "digest", want: errkind.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			host := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.contentType)
				for key, values := range test.header {
					w.Header()[key] = values
				}
				fmt.Fprint(w, test.body)
			})
			_, err := newClient(t, registry.Options{}).Resolve(t.Context(), reference(t, host+"/app:1"), "", image.Platform{})
			want := cmp.Or(test.want, errkind.Invalid)
			if !errors.Is(err, want) || errkind.Permanent(err) != errkind.Permanent(want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error = %v, want %v that says %q", err, want, test.says)
			}
		})
	}
}

func TestResolveLimitsTheManifest(t *testing.T) {
	var sent atomic.Int64
	host := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for chunk := make([]byte, 1<<20); r.Context().Err() == nil; {
			n, err := w.Write(chunk)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	_, err := newClient(t, registry.Options{}).Resolve(t.Context(), reference(t, host+"/app:1"), "", image.Platform{})
	if !errors.Is(err, errkind.Limit) || sent.Load() > 64<<20 {
		t.Errorf("error = %v after %d bytes, want errkind.Limit soon", err, sent.Load())
	}
}

// What a digest names is read as it, and cannot move.
func TestDigestReferences(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	amd := build(t, lab.Platform("linux/amd64"), content(t, "amd"))
	arm := build(t, lab.Platform("linux/arm64"), content(t, "arm"))
	index := push(t, store, "app:1", indexOf(offered(t, amd, "linux/amd64"), offered(t, arm, "linux/arm64")))
	manifest := image.Digest(must(amd.Digest())(t).String())
	for _, digest := range []image.Digest{index, manifest} {
		ref := reference(t, store.Reference("app@"+string(digest)))
		if got, err := client.Head(t.Context(), ref); err != nil || got != digest {
			t.Errorf("Head of %s = %s, %v", digest, got, err)
		}
		if got, err := client.Resolve(t.Context(), ref, "", image.Platform{}); err != nil || got.Manifest != manifest || got.Top() != digest {
			t.Errorf("Resolve of %s = %+v, %v; want the image %s", digest, got, err, manifest)
		}
	}
	gone := reference(t, store.Reference("app@sha256:"+strings.Repeat("0", 64)))
	if got, err := client.Head(t.Context(), gone); !errors.Is(err, errkind.NotFound) {
		t.Errorf("Head of what is not there = %s, %v", got, err)
	}
	ref := reference(t, store.Reference("app@"+string(manifest)))
	for name, header := range map[string]http.Header{"another digest": {"Docker-Content-Digest": {string(index)}}, "no digest": nil} {
		lift := store.Fail(lab.Fault{Method: http.MethodHead, Path: "/manifests/", Status: http.StatusOK, Header: header})
		got, err := client.Head(t.Context(), ref)
		if lift(); header == nil && got != manifest || header != nil && (err == nil || errkind.Permanent(err)) {
			t.Errorf("Head that answers with %s = %s, %v", name, got, err)
		}
	}
}
