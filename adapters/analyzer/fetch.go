package analyzer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/layers"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// fetches is how many layers of an image are fetched at a time.
const fetches = 3

// documents are an image's manifest and configuration.
type documents struct {
	manifest, config []byte
	layers           []v1.Descriptor
	diffIDs          []image.Digest // one for each layer, as the configuration claims
	from             string         // the registry, for errors
}

// read reads the documents of an image, and fails if it cannot be analyzed.
func (a *Analyzer) read(ctx context.Context, request Request) (documents, error) {
	var read documents
	var err error
	if read.manifest, err = request.Source.Manifest(ctx); err != nil {
		return documents{}, err
	}
	if read.config, err = request.Source.Config(ctx); err != nil {
		return documents{}, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(read.manifest))
	if err != nil {
		return documents{}, fmt.Errorf("manifest: %w: %w", errkind.Invalid, err)
	}
	config, err := image.ParseConfiguration(read.config)
	if err != nil {
		return documents{}, err
	}
	read.layers, read.diffIDs = manifest.Layers, config.DiffIDs
	read.from, _, _ = strings.Cut(request.Name, "/")
	return read, read.check(a.limits)
}

func (d documents) check(limits Limits) error {
	if len(d.layers) > limits.Layers {
		return fmt.Errorf("image has %d layers, the limit is %d: %w", len(d.layers), limits.Layers, errkind.Limit)
	}
	if len(d.layers) != len(d.diffIDs) {
		return fmt.Errorf("the manifest has %d layers and the configuration %d: %w", len(d.layers), len(d.diffIDs), errkind.Invalid)
	}
	for i, layer := range d.layers {
		if !layer.MediaType.IsDistributable() || len(layer.URLs) > 0 {
			return fmt.Errorf("layer %d (%s) is not in the registry but elsewhere, like the base layers of Windows; such images cannot be analyzed: %w",
				i, layer.MediaType, errkind.Invalid)
		}
		if layer.Size > limits.LayerBytes {
			return fmt.Errorf("layer %d is larger than %s: %w", i, wording.Size(limits.LayerBytes), errkind.Limit)
		}
	}
	return nil
}

// fetch links the archives of all layers into the image's folder and returns how
// many bytes it had to transfer.
func (a *Analyzer) fetch(ctx context.Context, source Source, documents documents, folder string, progress *reporter) (int64, error) {
	archives := layersFolder(folder)
	if err := os.Mkdir(archives, 0o700); err != nil {
		return 0, fmt.Errorf("prepare image: %w", err)
	}
	progress.update(func(p *Progress) { p.Stage, p.Layers = StageFetch, len(documents.layers) })
	var transferred atomic.Int64
	sizeLimit := layers.NewSizeLimit(a.limits.ofLayers())
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for i, layer := range documents.layers {
		claimed := string(documents.diffIDs[i])
		group.Go(func() error {
			path := filepath.Join(archives, inspect.LayerName(i, claimed))
			fetched, err := a.fetchLayer(ctx, source, documents.from, layer, claimed, sizeLimit, path)
			if fetched {
				transferred.Add(layer.Size)
			}
			progress.update(func(p *Progress) { p.LayersDone++; p.Fetched = transferred.Load() })
			return err
		})
	}
	err := group.Wait()
	return transferred.Load(), err
}

// fetchLayer links one layer, and refuses it if the configuration claims another
// content: then the archive, and everything found in it, would carry the name of
// another layer.
func (a *Analyzer) fetchLayer(ctx context.Context, source Source, from string, layer v1.Descriptor, claimed string, sizeLimit *layers.SizeLimit, path string) (fetched bool, err error) {
	digest, err := image.ParseDigest(layer.Digest.String())
	if err != nil {
		return false, fmt.Errorf("layer: %w", err)
	}
	open := func(ctx context.Context) (io.ReadCloser, error) { return source.Layer(ctx, digest) }
	facts, fetched, err := a.store.Link(ctx, layers.Layer{Digest: digest, Size: layer.Size, DiffID: claimed, From: from}, sizeLimit, open, path)
	if err != nil {
		return fetched, err
	}
	if facts.DiffID != claimed {
		return fetched, fmt.Errorf("layer %s unpacks to %s and not to %s, as the configuration says: %w", digest.Short(), facts.DiffID, claimed, errkind.Invalid)
	}
	return fetched, nil
}

func layersFolder(folder string) string { return filepath.Join(folder, "layers") }
