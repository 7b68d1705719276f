package registry

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// variants are, by architecture, the variants in falling order: a processor of
// one also runs those after it. The empty variant stands beside the usual one.
var variants = map[string]struct {
	order []string
	usual string
}{
	"arm":   {[]string{"v8", "v7", "", "v6", "v5"}, "v7"},
	"arm64": {[]string{"v9", "v8", ""}, "v8"},
	"amd64": {[]string{"v4", "v3", "v2", "v1", ""}, "v1"},
}

// isFor refuses an image that stands alone and does not run on a platform.
func (r *Registry) isFor(ctx context.Context, repository image.Repository, d document, platform image.Platform) error {
	found, err := r.platformIn(ctx, repository, d)
	if err != nil {
		return err
	}
	if rankOf(found, platform) < 0 {
		return fmt.Errorf("no image for platform %s; the tag points to one image, which is for %s: %w", platform, found, errkind.NotFound)
	}
	return nil
}

// platformIn is the platform that an image's configuration names. The first
// images named none: they are for the default one.
func (r *Registry) platformIn(ctx context.Context, repository image.Repository, d document) (image.Platform, error) {
	manifest, err := d.imageManifest()
	if err != nil {
		return image.Platform{}, err
	}
	raw, err := (&Image{registry: r, repository: repository, digest: d.digest, raw: d.raw, parsed: manifest}).Config(ctx)
	if err != nil {
		return image.Platform{}, err
	}
	config, err := image.ParseConfiguration(raw)
	if err != nil {
		return image.Platform{}, fmt.Errorf("config of %s: %w", d.digest, err)
	}
	if len(config.DiffIDs) != len(manifest.Layers) {
		return image.Platform{}, fmt.Errorf("config of %s is not an image's: it has %d layers and the manifest %d: %w",
			d.digest, len(config.DiffIDs), len(manifest.Layers), errkind.Invalid)
	}
	if !isNamed(config.Platform) {
		return image.DefaultPlatform, nil
	}
	return config.Platform, nil
}

// rankOf is how well what is offered suits a platform: 0 best, negative not at
// all.
func rankOf(offer, platform image.Platform) int {
	if offer.OS != platform.OS || offer.Architecture != platform.Architecture {
		return -1
	}
	if offer.Variant == platform.Variant {
		return 0
	}
	known := variants[platform.Architecture]
	wanted := slices.Index(known.order, platform.Variant)
	if platform.Variant == "" {
		wanted = slices.Index(known.order, known.usual)
	}
	offered := slices.Index(known.order, offer.Variant)
	if wanted < 0 || offered < wanted {
		return -1
	}
	return 1 + offered - wanted
}

// isImage leaves out entries that say of themselves that they are something
// else: artifacts, and attestations, which have the platform unknown/unknown.
func isImage(entry v1.Descriptor) bool {
	known := entry.MediaType == "" || entry.MediaType.IsImage() || entry.MediaType.IsIndex()
	artifact := entry.ArtifactType != "" && !isConfig(types.MediaType(entry.ArtifactType))
	return known && !artifact && (entry.Platform == nil || entry.Platform.OS != "unknown") && entry.Annotations["vnd.docker.reference.type"] == ""
}

// platformOf is the platform that an entry names, zero if it names none.
func platformOf(entry v1.Descriptor) image.Platform {
	if entry.Platform == nil {
		return image.Platform{}
	}
	named := image.Platform{OS: entry.Platform.OS, Architecture: entry.Platform.Architecture, Variant: entry.Platform.Variant}
	if !isNamed(named) {
		return image.Platform{}
	}
	return named
}

func isNamed(platform image.Platform) bool { return platform.OS != "" && platform.Architecture != "" }
