package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Rewrite is an image with another configuration, such as some tools push and no
// library writes: change gets the fields of the document, and the manifest gives it
// that media type.
func Rewrite(image v1.Image, mediaType types.MediaType, change func(config map[string]any)) (v1.Image, error) {
	var fields map[string]any
	written, err := image.RawConfigFile()
	if err == nil {
		err = json.Unmarshal(written, &fields)
	}
	manifest, readErr := image.Manifest()
	if err := errors.Join(err, readErr); err != nil {
		return nil, fmt.Errorf("rewrite image: %w", err)
	}
	change(fields)
	manifest = manifest.DeepCopy()
	rewritten := &rewritten{original: image, mediaType: manifest.MediaType}
	if rewritten.config, err = json.Marshal(fields); err != nil {
		return nil, fmt.Errorf("rewrite image: %w", err)
	}
	hash, size, err := v1.SHA256(bytes.NewReader(rewritten.config))
	if err != nil {
		return nil, fmt.Errorf("rewrite image: %w", err)
	}
	manifest.Config.MediaType, manifest.Config.Digest, manifest.Config.Size = mediaType, hash, size
	if rewritten.manifest, err = json.Marshal(manifest); err != nil {
		return nil, fmt.Errorf("rewrite image: %w", err)
	}
	return partial.CompressedToImage(rewritten)
}

// rewritten is an image with documents of its own and the layers of another.
type rewritten struct {
	original         v1.Image
	manifest, config []byte
	mediaType        types.MediaType
}

// RawManifest implements partial.CompressedImageCore.
func (r *rewritten) RawManifest() ([]byte, error) { return r.manifest, nil }

// RawConfigFile implements partial.CompressedImageCore.
func (r *rewritten) RawConfigFile() ([]byte, error) { return r.config, nil }

// MediaType implements partial.CompressedImageCore.
func (r *rewritten) MediaType() (types.MediaType, error) { return r.mediaType, nil }

// LayerByDigest implements partial.CompressedImageCore.
func (r *rewritten) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	return r.original.LayerByDigest(digest)
}
