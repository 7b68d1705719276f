package lab_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/tagwatch/tagwatch/lab"
)

func newRegistry(t *testing.T) *lab.Registry {
	t.Helper()
	registry, err := lab.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	return registry
}

func reference(t *testing.T, registry *lab.Registry, repositoryAndTag string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(registry.Reference(repositoryAndTag))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestRegistryServesWhatIsPushed(t *testing.T) {
	registry := newRegistry(t)
	digest, err := registry.Push("library/app:1", newImage(t, lab.StaticBinary("/app")))
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(reference(t, registry, "library/app:1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(pulled); err != nil {
		t.Error(err)
	}
	if got, err := pulled.Digest(); err != nil || got != digest {
		t.Errorf("got %v, %v; pushed %v", got, err, digest)
	}
}

func TestRegistryCounts(t *testing.T) {
	registry := newRegistry(t)
	if _, err := registry.Push("library/app:1", newImage(t, lab.StaticBinary("/app"))); err != nil {
		t.Fatal(err)
	}
	if calls := registry.Calls(); len(calls) != 0 {
		t.Errorf("pushing counted: %v", calls)
	}
	if _, err := remote.Head(reference(t, registry, "library/app:1")); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.List(reference(t, registry, "library/app:1").Context()); err != nil {
		t.Fatal(err)
	}
	counts := map[lab.Call]int{
		{Method: http.MethodHead, Kind: lab.KindManifest, Repository: "library/app", Reference: "1"}: 1,
		{Kind: lab.KindTags, Repository: "library/app"}:                                              1,
		{Kind: lab.KindPing}:            2,
		{Kind: lab.KindBlob}:            0,
		{Repository: "library/nothing"}: 0,
		{}:                              4,
	}
	for call, want := range counts {
		if got := registry.Count(call); got != want {
			t.Errorf("%+v: got %d, want %d; %v", call, got, want, registry.Calls())
		}
	}
	if registry.Forget(); registry.Count(lab.Call{}) != 0 {
		t.Error("did not forget")
	}
}

func TestRegistryAsksForCredentials(t *testing.T) {
	registry := newRegistry(t)
	registry.RequireBasicAuth("reader", "secret")
	if _, err := registry.Push("app:1", newImage(t, lab.StaticBinary("/app"))); err != nil {
		t.Fatal(err)
	}
	ref := reference(t, registry, "app:1")
	cases := []struct {
		name, pass string
		want       bool
	}{
		{"right", "secret", true},
		{"wrong", "guess", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := remote.Head(ref, remote.WithAuth(&authn.Basic{Username: "reader", Password: c.pass}))
			if admitted := err == nil; admitted != c.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTagsMoveWhileTheRegistryIsDown(t *testing.T) {
	registry := newRegistry(t)
	if err := registry.Pause(); err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Push("app:1", newImage(t, lab.StaticBinary("/app"))); err != nil {
		t.Fatal(err)
	}
	if err := registry.Tag("app:1", "2"); err != nil {
		t.Fatal(err)
	}
	if err := registry.Delete(t.Context(), "app:1"); err != nil {
		t.Fatal(err)
	}
	if err := registry.Resume(); err != nil {
		t.Fatal(err)
	}
	tags, err := remote.List(reference(t, registry, "app:2").Context())
	if err != nil || len(tags) != 1 || tags[0] != "2" {
		t.Errorf("got %v, %v", tags, err)
	}
}

func TestRegistryServesIndexes(t *testing.T) {
	registry := newRegistry(t)
	amd, arm := newImage(t, lab.StaticBinary("/app")), newImage(t, lab.Platform("linux/arm64"), lab.StaticBinary("/app"))
	index, err := lab.NewIndex(amd, arm)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.Push("app:1", index); err != nil {
		t.Fatal(err)
	}
	ref := reference(t, registry, "app:1")
	found, err := remote.Get(ref)
	if err != nil || found.MediaType != types.OCIImageIndex {
		t.Fatalf("got %v, %v", found, err)
	}
	pulled, err := remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: "arm64"}))
	if err != nil {
		t.Fatal(err)
	}
	want, _ := arm.Digest()
	if got, err := pulled.Digest(); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestRegistryListsTagsInPages(t *testing.T) {
	registry := newRegistry(t)
	if _, err := registry.Push("app:0", newImage(t, lab.StaticBinary("/app"))); err != nil {
		t.Fatal(err)
	}
	want := []string{"0", "1", "2", "3", "4"}
	for _, tag := range want[1:] {
		if err := registry.Tag("app:0", tag); err != nil {
			t.Fatal(err)
		}
	}
	registry.LimitTags(2)
	tags, err := remote.List(reference(t, registry, "app:0").Context())
	if err != nil || !slices.Equal(tags, want) {
		t.Errorf("got %v, %v", tags, err)
	}
	if pages := registry.Count(lab.Call{Kind: lab.KindTags}); pages != 3 {
		t.Errorf("got %d pages, want 3", pages)
	}
	if _, err := remote.List(reference(t, registry, "nothing:0").Context()); err == nil {
		t.Error("listed a repository that does not exist")
	}
}
