package layers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

// stored is a layer in the store's folder.
type stored struct {
	folder string
	size   int64
	used   time.Time
}

// evict removes layers that exceed the bounds: those unused for too long, then the
// least recently used ones.
func (s *Store) evict(now time.Time) error {
	all, err := s.list()
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b stored) int { return b.used.Compare(a.used) })
	var kept int64
	for _, layer := range all {
		if kept+layer.size <= s.bounds.Bytes && now.Sub(layer.used) <= s.bounds.Age {
			kept += layer.size
			continue
		}
		if err := s.remove(layer.folder); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) list() ([]stored, error) {
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		return nil, fmt.Errorf("list layer store: %w", err)
	}
	var all []stored
	for _, entry := range entries {
		folder := filepath.Join(s.folder, entry.Name())
		info, err := os.Stat(folder)
		archive, archiveErr := os.Stat(filepath.Join(folder, archiveName))
		if err := cmp.Or(err, archiveErr); errors.Is(err, fs.ErrNotExist) {
			continue // another process removed it
		} else if err != nil {
			return nil, fmt.Errorf("list layer store: %w", err)
		}
		all = append(all, stored{folder: folder, size: archive.Size(), used: info.ModTime()})
	}
	return all, nil
}

// locks has for each digest in use a channel that is closed when the lock is free.
type locks struct{ held sync.Map }

// lock waits until nobody else in this process works on the digest.
func (l *locks) lock(ctx context.Context, digest image.Digest) (unlock func(), err error) {
	ours := make(chan struct{})
	for {
		theirs, busy := l.held.LoadOrStore(digest, ours)
		if !busy {
			return func() { l.held.Delete(digest); close(ours) }, nil
		}
		select {
		case <-theirs.(chan struct{}):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
