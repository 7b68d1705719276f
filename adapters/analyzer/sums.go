package analyzer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/layers"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// ofAll are the algorithms by which every file is digested.
var ofAll = []sums.Algorithm{sums.SHA256, sums.Bundle}

// databases are the package databases that give digests of files by another algorithm.
var databases = map[sums.Algorithm][]string{
	sums.MD5:  {"/var/lib/dpkg/status"},
	sums.SHA1: {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"},
}

// digest links the digests of the files of all layers into the image's folder. They
// depend on the layer alone, so that the child, which reads the whole image, neither
// has to compute them for each image nor can falsify those of others.
func (a *Analyzer) digest(ctx context.Context, documents documents, folder string) error {
	if err := os.Mkdir(sumsFolder(folder), 0o700); err != nil {
		return fmt.Errorf("prepare image: %w", err)
	}
	spend := a.claims()
	for _, algorithm := range ofAll {
		if err := a.digestBy(ctx, documents, folder, algorithm, spend); err != nil {
			return err
		}
	}
	for algorithm, paths := range databases {
		used, err := anyHolds(documents, folder, paths)
		if err == nil && used {
			err = a.digestBy(ctx, documents, folder, algorithm, spend)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// claims bounds the bytes to digest for one image: its sparse files can claim any
// number.
func (a *Analyzer) claims() func(int64) error {
	var total atomic.Int64
	limit := int64(len(ofAll)+len(databases)) * a.limits.ImageBytes
	return func(bytes int64) error {
		if total.Add(bytes) > limit {
			return fmt.Errorf("the image's files have more than %s: %w", wording.Size(a.limits.ImageBytes), errkind.Limit)
		}
		return nil
	}
}

func (a *Analyzer) digestBy(ctx context.Context, documents documents, folder string, algorithm sums.Algorithm, spend func(int64) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fetches)
	for i, layer := range documents.layers {
		claimed := string(documents.diffIDs[i])
		group.Go(func() error {
			archive := filepath.Join(layersFolder(folder), inspect.LayerName(i, claimed))
			of := layers.Layer{Digest: image.Digest(layer.Digest.String()), Size: layer.Size}
			return a.store.Sums(ctx, of, archive, algorithm, spend, inspect.SumsName(sumsFolder(folder), i, algorithm))
		})
	}
	return group.Wait()
}

// anyHolds reports whether one of the layers has a file at one of the paths.
func anyHolds(documents documents, folder string, paths []string) (bool, error) {
	for i := range documents.layers {
		table, err := sums.Read(inspect.SumsName(sumsFolder(folder), i, sums.SHA256), sums.SHA256)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(paths, table.Holds) {
			return true, nil
		}
	}
	return false, nil
}

func sumsFolder(folder string) string { return filepath.Join(folder, "sums") }
