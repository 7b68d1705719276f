package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
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

// offered is an entry of an index; the platform is left out if it is empty.
func offered(t *testing.T, what mutate.Appendable, platform string, more ...func(*v1.Descriptor)) mutate.IndexAddendum {
	t.Helper()
	added := mutate.IndexAddendum{Add: what}
	if platform != "" {
		added.Platform = must(v1.ParsePlatform(platform))(t)
	}
	for _, change := range more {
		change(&added.Descriptor)
	}
	return added
}

func indexOf(entries ...mutate.IndexAddendum) v1.ImageIndex {
	return mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), entries...)
}

// chart is an artifact: a manifest of the form of an image's with something else
// in it.
func chart(t *testing.T, config types.MediaType) v1.Image {
	t.Helper()
	return must(lab.Rewrite(build(t, content(t, "chart")), config, func(fields map[string]any) { clear(fields) }))(t)
}

func of(kind string) func(*v1.Descriptor) {
	return func(d *v1.Descriptor) { d.ArtifactType = kind }
}

func TestImageOfAnIndex(t *testing.T) {
	const helm = "application/vnd.cncf.helm.config.v1+json"
	amd := build(t, lab.Platform("linux/amd64"), content(t, "amd"))
	other := build(t, lab.Platform("linux/amd64"), content(t, "other amd"))
	arm := build(t, lab.Platform("linux/arm64"), content(t, "arm"))
	v5 := build(t, lab.Platform("linux/arm/v5"), content(t, "v5"))
	v7 := build(t, lab.Platform("linux/arm/v7"), content(t, "v7"))
	unknown := must(lab.Rewrite(build(t, content(t, "no platform")), types.OCIConfigJSON, func(fields map[string]any) {
		delete(fields, "os")
		fields["architecture"] = 64
	}))(t)
	attestation := offered(t, build(t, content(t, "attestation")), "unknown/unknown")
	deep := func(levels int) v1.ImageIndex {
		nested := indexOf(offered(t, amd, "linux/amd64"))
		for range levels - 1 {
			nested = indexOf(offered(t, nested, ""))
		}
		return nested
	}
	for name, test := range map[string]struct {
		index    v1.ImageIndex
		platform string
		want     v1.Image
		fault    error
	}{
		"index in an index, as buildx pushes with attestations": {index: indexOf(offered(t, indexOf(offered(t, amd, "linux/amd64"), attestation), "")), want: amd},
		"index for each platform":                               {index: indexOf(offered(t, indexOf(offered(t, amd, "linux/amd64"), attestation), "linux/amd64"), offered(t, indexOf(offered(t, arm, "linux/arm64"), attestation), "linux/arm64")), platform: "linux/arm64", want: arm},
		"index for a platform, whose image names none":          {index: indexOf(offered(t, indexOf(offered(t, arm, "")), "linux/arm64")), platform: "linux/arm64", want: arm},
		"three levels":                                           {index: deep(3), want: amd},
		"too many levels":                                        {index: deep(9), fault: errkind.Limit},
		"image before an index":                                  {index: indexOf(offered(t, indexOf(offered(t, other, "linux/amd64")), ""), offered(t, amd, "linux/amd64")), want: amd},
		"better variant in an index":                             {index: indexOf(offered(t, v5, "linux/arm/v5"), offered(t, indexOf(offered(t, v7, "linux/arm/v7")), "")), platform: "linux/arm", want: v7},
		"chart first, by its artifact type":                      {index: indexOf(offered(t, chart(t, helm), "", of(helm)), offered(t, amd, "linux/amd64")), want: amd},
		"chart first, by its configuration":                      {index: indexOf(offered(t, chart(t, helm), ""), offered(t, amd, "")), want: amd},
		"chart that claims the platform":                         {index: indexOf(offered(t, chart(t, helm), "linux/amd64"), offered(t, amd, "linux/amd64")), want: amd},
		"artifact without a type whose configuration is not one": {index: indexOf(offered(t, chart(t, "application/octet-stream"), ""), offered(t, amd, "")), want: amd},
		"only charts":                                            {index: indexOf(offered(t, chart(t, helm), "", of(helm))), fault: errkind.NotFound},
		"named before not named":                                 {index: indexOf(offered(t, other, ""), offered(t, amd, "linux/amd64")), want: amd},
		"alone and not named":                                    {index: indexOf(offered(t, amd, "")), want: amd},
		"alone and not named, of another platform":               {index: indexOf(offered(t, arm, "")), fault: errkind.NotFound},
		"not named, of the platform asked for":                   {index: indexOf(offered(t, amd, ""), offered(t, arm, "")), platform: "linux/arm64", want: arm},
		"not named, the best variant":                            {index: indexOf(offered(t, v5, ""), offered(t, v7, "")), platform: "linux/arm", want: v7},
		"nobody names a platform":                                {index: indexOf(offered(t, unknown, "")), want: unknown},
		"artifact type of an image's configuration":              {index: indexOf(offered(t, amd, "linux/amd64", of(string(types.OCIConfigJSON)))), want: amd},
		"empty index":                                            {index: indexOf(), fault: errkind.NotFound},
		"platform without an architecture, by its configuration": {index: indexOf(offered(t, arm, "", func(d *v1.Descriptor) { d.Platform = &v1.Platform{OS: "linux"} }), offered(t, amd, "")), want: amd},
		"attestations only":                                      {index: indexOf(attestation), fault: errkind.NotFound},
		"index of attestations beside the image":                 {index: indexOf(offered(t, indexOf(attestation), ""), offered(t, indexOf(offered(t, amd, "linux/amd64")), "")), want: amd},
	} {
		t.Run(name, func(t *testing.T) {
			store, client := startLab(t), newClient(t, registry.Options{})
			want := image.Resolved{}
			if top := push(t, store, "app:1", test.index); test.want != nil {
				want = image.Resolved{Manifest: image.Digest(must(test.want.Digest())(t).String()), Index: top}
			}
			platform := must(image.ParsePlatform(test.platform))(t)
			got, err := client.Resolve(t.Context(), reference(t, store.Reference("app:1")), "", platform)
			if !errors.Is(err, test.fault) || got != want {
				t.Errorf("Resolve = %+v, %v; want %+v, %v", got, err, want, test.fault)
			}
		})
	}
}

// An index that cannot be read as a whole gives no image: another one might be
// taken for a move of the tag.
func TestIndexWithAnEntryThatCannotBeRead(t *testing.T) {
	store, client := startLab(t), newClient(t, registry.Options{})
	v7 := build(t, lab.Platform("linux/arm/v7"), content(t, "v7"))
	nested := indexOf(offered(t, v7, "linux/arm/v7"))
	push(t, store, "app:1", indexOf(offered(t, build(t, lab.Platform("linux/arm/v5"), content(t, "v5")), "linux/arm/v5"), offered(t, nested, "")))
	store.Fail(lab.Fault{Path: must(nested.Digest())(t).String(), Status: http.StatusBadGateway})
	got, err := client.Resolve(t.Context(), reference(t, store.Reference("app:1")), "", image.Platform{OS: "linux", Architecture: "arm"})
	if !errors.Is(err, errkind.Unavailable) {
		t.Errorf("Resolve = %+v, %v; want errkind.Unavailable", got, err)
	}
}

// The configuration decides, whatever the manifest calls it.
func TestConfigurationsOfOldTools(t *testing.T) {
	for mediaType, image := range map[types.MediaType]bool{
		"application/octet-stream": true, "": true, "application/json": true, "text/plain; charset=utf-8": true,
		"application/vnd.docker.container.image.v1+json": true,
		"application/vnd.docker.plugin.v1+json":          false, "application/vnd.oci.empty.v1+json": false, "application/vnd.cncf.helm.config.v1+json": false,
	} {
		t.Run(fmt.Sprint(mediaType), func(t *testing.T) {
			store, client := startLab(t), newClient(t, registry.Options{})
			old := must(lab.Rewrite(build(t, lab.Docker, content(t, "old")), mediaType, func(map[string]any) {}))(t)
			digest := push(t, store, "app:1", old)
			ref := reference(t, store.Reference("app:1"))
			got, err := client.Resolve(t.Context(), ref, "", must1(t, "linux/amd64"))
			if !image {
				if !errors.Is(err, errkind.Invalid) || !strings.Contains(err.Error(), "cannot be analyzed") {
					t.Errorf("Resolve = %+v, %v; want errkind.Invalid", got, err)
				}
				return
			}
			if err != nil || got.Manifest != digest {
				t.Errorf("Resolve = %+v, %v; want %s", got, err, digest)
			}
			if err := pullAll(t, client, ref.Repository, digest); err != nil {
				t.Error(err)
			}
		})
	}
}

func must1(t *testing.T, platform string) image.Platform {
	t.Helper()
	return must(image.ParsePlatform(platform))(t)
}
