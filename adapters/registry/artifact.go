package registry

import (
	"mime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// artifactType is what a manifest holds that is not an image: a chart, a
// signature, an attestation. It is empty for an image.
func artifactType(manifest *v1.Manifest) string {
	switch {
	case manifest.ArtifactType != "" && !isConfig(types.MediaType(manifest.ArtifactType)):
		return manifest.ArtifactType
	case !isConfig(manifest.Config.MediaType):
		return string(manifest.Config.MediaType)
	case len(manifest.Layers) > 0 && !slices.ContainsFunc(manifest.Layers, isFiles):
		return string(manifest.Layers[0].MediaType)
	}
	return ""
}

// isConfig reports whether the configuration of an image may have a media type.
// Old tools and some registries give one that says nothing: Docker 1.10 pushed
// configurations as octet streams. Their content decides.
func isConfig(labeled types.MediaType) bool {
	bare, _, err := mime.ParseMediaType(string(labeled))
	if err != nil {
		bare = strings.ToLower(string(labeled))
	}
	switch bare {
	case "", "application/octet-stream", "binary/octet-stream", "application/json", "text/plain":
		return true
	}
	return types.MediaType(bare).IsConfig()
}

// isFiles leaves out layers that are documents: signatures and attestations are
// pushed as images with layers of JSON or text.
func isFiles(layer v1.Descriptor) bool {
	labeled := string(layer.MediaType)
	return !strings.HasSuffix(labeled, "+json") && !strings.HasPrefix(labeled, "text/")
}
