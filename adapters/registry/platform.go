package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/domain/fault"
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

// selectPlatform returns the digest of the entry that runs best on a platform.
func selectPlatform(entries []v1.Descriptor, platform image.Platform) (image.Digest, error) {
	best, bestRank := v1.Descriptor{}, -1
	for _, entry := range entries {
		if rank := rankOf(entry, platform); rank >= 0 && (bestRank < 0 || rank < bestRank) {
			best, bestRank = entry, rank
		}
	}
	if bestRank < 0 {
		return "", fmt.Errorf("no image for platform %s; it has %s: %w", platform, describe(entries), fault.NotFound)
	}
	digest, err := image.ParseDigest(best.Digest.String())
	if err != nil {
		return "", fmt.Errorf("entry for %s: %w", platform, err)
	}
	return digest, nil
}

// isFor refuses an image that stands alone and does not run on a platform.
func (r *Registry) isFor(ctx context.Context, repository image.Repository, d document, platform image.Platform) error {
	manifest, err := d.imageManifest()
	if err != nil {
		return err
	}
	raw, err := (&Image{registry: r, repository: repository, digest: d.digest, raw: d.raw, parsed: manifest}).Config(ctx)
	if err != nil {
		return err
	}
	var found v1.Platform
	if err := json.Unmarshal(raw, &found); err != nil {
		return fmt.Errorf("config of %s is no configuration of an image: %w: %w", d.digest, fault.Invalid, err)
	}
	offer := v1.Descriptor{MediaType: d.mediaType, Platform: &found}
	if rankOf(offer, platform) < 0 {
		return fmt.Errorf("no image for platform %s; the tag points to one image, which is for %s: %w", platform, platformOf(offer), fault.NotFound)
	}
	return nil
}

// rankOf is how well an entry suits a platform: 0 best, negative not at all.
func rankOf(entry v1.Descriptor, platform image.Platform) int {
	offer := platformOf(entry)
	if !isImage(entry) || offer.OS != platform.OS || offer.Architecture != platform.Architecture {
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

// isImage leaves out attestations, which have the platform unknown/unknown.
func isImage(entry v1.Descriptor) bool {
	return entry.MediaType.IsImage() && platformOf(entry).OS != "unknown" &&
		entry.Annotations["vnd.docker.reference.type"] == ""
}

// platformOf is an entry's platform, the default one if it has none.
func platformOf(entry v1.Descriptor) image.Platform {
	if entry.Platform == nil {
		return image.DefaultPlatform
	}
	return image.Platform{OS: entry.Platform.OS, Architecture: entry.Platform.Architecture, Variant: entry.Platform.Variant}
}

// describe lists the platforms of an index for people.
func describe(entries []v1.Descriptor) string {
	var platforms []string
	for _, entry := range entries {
		if isImage(entry) {
			platforms = append(platforms, platformOf(entry).String())
		}
	}
	if len(platforms) == 0 {
		return "no image at all"
	}
	slices.Sort(platforms)
	platforms = slices.Compact(platforms)
	if len(platforms) > 20 {
		platforms = append(platforms[:20], "and more")
	}
	return strings.Join(platforms, ", ")
}
