package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
)

// Image is one image of a repository, by the digest of its manifest. Nothing is
// asked of the registry before it is needed. It is safe for concurrent use.
type Image struct {
	registry   *Registry
	repository image.Repository
	digest     image.Digest

	mu     sync.Mutex
	raw    []byte // the manifest, once it was read
	parsed *v1.Manifest
}

// Image returns the image of a repository with the given manifest digest.
func (r *Registry) Image(repository image.Repository, digest image.Digest) *Image {
	return &Image{registry: r, repository: repository, digest: digest}
}

// Name is repository@digest.
func (i *Image) Name() string { return i.repository.String() + "@" + string(i.digest) }

// Manifest is the manifest as the registry has it, verified against the digest.
func (i *Image) Manifest(ctx context.Context) ([]byte, error) {
	raw, _, err := i.manifest(ctx)
	return raw, err
}

func (i *Image) manifest(ctx context.Context) ([]byte, *v1.Manifest, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.parsed != nil {
		return i.raw, i.parsed, nil
	}
	doc, err := i.registry.manifest(ctx, i.repository, string(i.digest))
	if err != nil {
		return nil, nil, fmt.Errorf("read manifest of %s: %w", i.Name(), err)
	}
	parsed, err := doc.imageManifest()
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", i.Name(), err)
	}
	i.raw, i.parsed = doc.raw, parsed
	return i.raw, i.parsed, nil
}

// Config is the configuration as the registry has it, verified against the
// digest in the manifest.
func (i *Image) Config(ctx context.Context) ([]byte, error) {
	_, manifest, err := i.manifest(ctx)
	if err != nil {
		return nil, err
	}
	if manifest.Config.Size > maxConfig {
		return nil, fmt.Errorf("config of %s has %d bytes, the limit is %d: %w", i.Name(), manifest.Config.Size, maxConfig, errkind.Limit)
	}
	digest := image.Digest(manifest.Config.Digest.String())
	question := query{method: http.MethodGet, repository: i.repository, resource: "blobs/" + string(digest), digest: digest}
	raw, _, err := i.registry.read(ctx, question, maxConfig)
	if errors.Is(err, errkind.Limit) {
		err = fmt.Errorf("more than %d bytes arrive and its manifest gives %d: %w", maxConfig, manifest.Config.Size, errkind.Unavailable)
	}
	if err != nil {
		return nil, fmt.Errorf("read config of %s: %w", i.Name(), err)
	}
	return raw, nil
}

// Layer opens a layer as the registry has it: compressed, of any size, not
// verified unless it comes from a mirror. Reading fails when the transfer
// pauses for a minute.
func (i *Image) Layer(ctx context.Context, digest image.Digest) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var opened *transfer
	question := query{method: http.MethodGet, repository: i.repository, resource: "blobs/" + string(digest), digest: digest, transfer: true}
	err := i.registry.eachPlace(ctx, question, func(at place) error {
		resp, err := at.ask(ctx, question)
		if err != nil {
			return err
		}
		opened = newTransfer(ctx, cancel, at, resp.Body, digest)
		return nil
	})
	if err != nil {
		cancel(nil)
		return nil, fmt.Errorf("read layer %s of %s: %w", digest, i.repository, err)
	}
	return opened, nil
}
