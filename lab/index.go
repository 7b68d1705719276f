package lab

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// NewIndex builds an index of images for several platforms, in the order given.
// Each image's platform is the one that [Platform] gave it. The index has Docker's
// media type when its first image has.
func NewIndex(images ...v1.Image) (v1.ImageIndex, error) {
	if len(images) == 0 {
		return nil, fmt.Errorf("build index: it needs at least one image")
	}
	index := v1.ImageIndex(empty.Index)
	for _, image := range images {
		config, err := image.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("build index: %w", err)
		}
		platform := &v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	mediaType, err := images[0].MediaType()
	if err != nil {
		return nil, fmt.Errorf("build index: %w", err)
	}
	if mediaType == types.DockerManifestSchema2 {
		return mutate.IndexMediaType(index, types.DockerManifestList), nil
	}
	return mutate.IndexMediaType(index, types.OCIImageIndex), nil
}
