package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	maxManifest = 4 << 20 // bytes; the specification asks registries to accept this much
	maxConfig   = 8 << 20 // bytes
)

// manifestTypes are what Tagwatch can read, for the Accept header.
var manifestTypes = []string{
	string(types.OCIImageIndex), string(types.DockerManifestList),
	string(types.OCIManifestSchema1), string(types.DockerManifestSchema2),
}

// document is a manifest or an index, verified against its digest.
type document struct {
	digest    image.Digest
	raw       []byte
	mediaType types.MediaType
}

// manifest reads a manifest or index by tag or digest.
func (r *Registry) manifest(ctx context.Context, repository image.Repository, identifier string) (document, error) {
	raw, header, err := r.read(ctx, repository, "manifests/"+identifier, maxManifest, manifestTypes...)
	if err != nil {
		return document{}, err
	}
	doc := document{digest: digestOf(raw), raw: raw}
	if claimed := header.Get(digestHeader); claimed != "" && strings.HasPrefix(claimed, "sha256:") && claimed != string(doc.digest) {
		return document{}, fmt.Errorf("manifest has digest %s and not %q, as %s says: %w", doc.digest, claimed, repository.Registry, fault.Invalid)
	}
	if doc.mediaType, err = mediaTypeOf(raw, header.Get("Content-Type")); err != nil {
		return document{}, fmt.Errorf("manifest %s: %w", doc.digest, err)
	}
	return doc, nil
}

// read reads a document of limited size in limited time. What is named by its
// digest is what the digest says.
func (r *Registry) read(ctx context.Context, repository image.Repository, resource string, limit int64, accept ...string) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.patience.document, fmt.Errorf("no complete answer in %s", r.patience.document))
	defer cancel()
	var raw []byte
	var header http.Header
	question := query{method: http.MethodGet, repository: repository, resource: resource, digest: digestIn(resource), accept: accept}
	err := r.ask(ctx, question, func(at place, resp *http.Response) (err error) {
		defer resp.Body.Close()
		header = resp.Header
		if raw, err = readAll(resp.Body, limit); err != nil {
			return fmt.Errorf("read %s from %s: %w", resource, at.host.name, err)
		}
		if found := digestOf(raw); question.digest != "" && found != question.digest {
			at.host.distrust(question.digest)
			return fmt.Errorf("what %s sends for %s has digest %s: %w", at.host.name, resource, found, fault.Invalid)
		}
		return nil
	})
	return raw, header, err
}

// digestIn is the digest that names a resource, "" if none does.
func digestIn(resource string) image.Digest {
	_, name, _ := strings.Cut(resource, "/")
	digest, err := image.ParseDigest(name)
	if err != nil {
		return ""
	}
	return digest
}

func digestOf(content []byte) image.Digest {
	sum := sha256.Sum256(content)
	return image.Digest("sha256:" + hex.EncodeToString(sum[:]))
}

// mediaTypeOf decides what a document is: by itself, by the answer's header, or
// by its shape. One that could be read both ways is refused, since two readers
// might then see two images under one digest.
func mediaTypeOf(raw []byte, contentType string) (types.MediaType, error) {
	var shape struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Config        json.RawMessage `json:"config"`
		Layers        json.RawMessage `json:"layers"`
		Manifests     json.RawMessage `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &shape); err != nil {
		return "", fmt.Errorf("no JSON document: %w: %w", fault.Invalid, err)
	}
	if shape.Manifests != nil && (shape.Layers != nil || shape.Config != nil) {
		return "", fmt.Errorf("both an index and an image manifest: %w", fault.Invalid)
	}
	declared := shape.MediaType
	if declared == "" {
		bare, _, _ := mime.ParseMediaType(contentType) // "" is as good as none
		declared = types.MediaType(bare)
	}
	switch {
	case declared == types.DockerManifestSchema1, declared == types.DockerManifestSchema1Signed, shape.SchemaVersion == 1:
		return "", fmt.Errorf("image manifest schema 1 is not supported; push the image again with a current tool: %w", fault.Invalid)
	case declared.IsIndex(), declared.IsImage():
		return declared, nil
	case shape.Manifests != nil:
		return types.OCIImageIndex, nil
	case shape.Config != nil:
		return types.OCIManifestSchema1, nil
	}
	return "", fmt.Errorf("media type %q is no image and no index: %w", declared, fault.Invalid)
}

// resolve selects the platform's manifest.
func (d document) resolve(platform image.Platform) (image.Resolved, error) {
	if !d.mediaType.IsIndex() {
		_, err := d.imageManifest()
		return image.Resolved{Manifest: d.digest}, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(d.raw))
	if err != nil {
		return image.Resolved{}, fmt.Errorf("index %s: %w: %w", d.digest, fault.Invalid, err)
	}
	selected, err := selectPlatform(index.Manifests, platform)
	if err != nil {
		return image.Resolved{}, fmt.Errorf("index %s: %w", d.digest, err)
	}
	return image.Resolved{Manifest: selected, Index: d.digest}, nil
}

// imageManifest reads the manifest of an image. Other artifacts (signatures,
// charts) use the same document with another type of config.
func (d document) imageManifest() (*v1.Manifest, error) {
	if !d.mediaType.IsImage() {
		return nil, fmt.Errorf("manifest %s: media type %q is no image: %w", d.digest, d.mediaType, fault.Invalid)
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(d.raw))
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w: %w", d.digest, fault.Invalid, err)
	}
	if !manifest.Config.MediaType.IsConfig() {
		return nil, fmt.Errorf("manifest %s: config of type %q is no image's; tags of signatures, charts and other artifacts cannot be analyzed: %w",
			d.digest, manifest.Config.MediaType, fault.Invalid)
	}
	return manifest, nil
}
