package layers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
)

// Sums makes path a table of the digests of a layer's files. The archive is the one
// that Link linked. The store keeps the table with the layer. Sums calls spend with
// the size of each file before it digests it.
func (s *Store) Sums(ctx context.Context, layer Layer, archive string, algorithm sums.Algorithm, spend func(int64) error, path string) error {
	unlock, err := s.locks.lock(ctx, layer.Digest)
	if err != nil {
		return fmt.Errorf("wait for layer %s: %w", layer.Digest.Short(), err)
	}
	defer unlock()
	kept := filepath.Join(s.path(layer.Digest), "sums-"+string(algorithm))
	err = os.Link(kept, path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return wrapSums(err)
	}
	if err := sums.Compute(ctx, archive, algorithm, spend, path); err != nil {
		return fmt.Errorf("layer %s: %w", layer.Digest.Short(), err)
	}
	err = os.Link(path, kept)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil // another process was faster, or removed the layer
	}
	return wrapSums(err)
}

func wrapSums(err error) error {
	if err != nil {
		return fmt.Errorf("link digests of layer: %w", err)
	}
	return nil
}
