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

// evict removes what exceeds the bounds: layers unused for too long, then the
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

// locks hold one lock for each digest that is in use.
type locks struct {
	mu   sync.Mutex
	held map[image.Digest]chan struct{}
}

// lock waits until nobody else in this process works on the digest.
func (l *locks) lock(ctx context.Context, digest image.Digest) (unlock func(), err error) {
	for {
		busy := l.try(digest)
		if busy == nil {
			return func() { l.release(digest) }, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try takes the lock, or returns what is closed when it is released.
func (l *locks) try(digest image.Digest) (busy <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held, found := l.held[digest]; found {
		return held
	}
	if l.held == nil {
		l.held = map[image.Digest]chan struct{}{}
	}
	l.held[digest] = make(chan struct{})
	return nil
}

func (l *locks) release(digest image.Digest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.held[digest])
	delete(l.held, digest)
}
