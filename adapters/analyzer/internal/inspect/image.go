package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/anchore/stereoscope/pkg/file"
	stereoscope "github.com/anchore/stereoscope/pkg/image"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// errNoContent is the error of reading a layer in its compressed form.
var errNoContent = errors.New("layers are read unpacked")

// opened is an image with its layers indexed and squashed.
type opened struct {
	*stereoscope.Image
	config image.Configuration
	sums   []layerSums
}

// open indexes the archives of an image's layers.
func open(ctx context.Context, request Request) (*opened, error) {
	config, err := image.ParseConfiguration(request.Config)
	if err != nil {
		return nil, err
	}
	documents, err := partial.CompressedToImage(documents{request.Manifest, request.Config})
	if err != nil {
		return nil, fmt.Errorf("open image: %w: %w", errkind.Invalid, err)
	}
	more := []stereoscope.AdditionalMetadata{stereoscope.WithManifest(request.Manifest)}
	if strings.Contains(request.Name, "@") {
		more = append(more, stereoscope.WithRepoDigests(request.Name))
	}
	indexed := stereoscope.New(configured{documents, config}, file.NewTempDirGenerator("tagwatch"), request.Layers, more...)
	if err := indexed.Read(ctx); err != nil {
		return nil, fmt.Errorf("broken image: %w: %w", errkind.Invalid, err)
	}
	searchNames(indexed)
	sums, err := readSums(request, len(indexed.Layers))
	if err != nil {
		return nil, err
	}
	return &opened{Image: indexed, config: config, sums: sums}, nil
}

// configured is an image with the configuration as Tagwatch parses it: the library
// fails at the first invalid field.
type configured struct {
	v1.Image
	config image.Configuration
}

// ConfigFile implements v1.Image, as far as syft needs it.
func (c configured) ConfigFile() (*v1.ConfigFile, error) {
	platform := c.config.Platform
	file := &v1.ConfigFile{OS: platform.OS, Architecture: platform.Architecture, Variant: platform.Variant,
		Config: v1.Config{Labels: c.config.Labels}}
	for _, id := range c.config.DiffIDs {
		hash, err := v1.NewHash(string(id))
		if err != nil {
			return nil, err
		}
		file.RootFS.DiffIDs = append(file.RootFS.DiffIDs, hash)
	}
	return file, nil
}

// documents is an image without layers: its manifest and configuration.
type documents struct{ manifest, config []byte }

// RawManifest implements partial.CompressedImageCore.
func (d documents) RawManifest() ([]byte, error) { return d.manifest, nil }

// RawConfigFile implements partial.CompressedImageCore.
func (d documents) RawConfigFile() ([]byte, error) { return d.config, nil }

// MediaType implements partial.CompressedImageCore.
func (d documents) MediaType() (types.MediaType, error) {
	manifest, err := v1.ParseManifest(bytes.NewReader(d.manifest))
	if err != nil {
		return "", err
	}
	return manifest.MediaType, nil
}

// LayerByDigest implements partial.CompressedImageCore.
func (d documents) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	manifest, err := v1.ParseManifest(bytes.NewReader(d.manifest))
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(manifest.Layers, func(layer v1.Descriptor) bool { return layer.Digest == digest })
	if i < 0 {
		return nil, fmt.Errorf("no layer %s in the manifest", digest)
	}
	return unpacked{manifest.Layers[i]}, nil
}

// unpacked is a layer whose archive is already in stereoscope's cache.
type unpacked struct{ descriptor v1.Descriptor }

// Digest implements partial.CompressedLayer.
func (u unpacked) Digest() (v1.Hash, error) { return u.descriptor.Digest, nil }

// Size implements partial.CompressedLayer.
func (u unpacked) Size() (int64, error) { return u.descriptor.Size, nil }

// MediaType implements partial.CompressedLayer.
func (u unpacked) MediaType() (types.MediaType, error) { return u.descriptor.MediaType, nil }

// Compressed implements partial.CompressedLayer.
func (u unpacked) Compressed() (io.ReadCloser, error) { return nil, errNoContent }
