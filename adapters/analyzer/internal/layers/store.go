// Package layers keeps the unpacked layers of images, so that a layer is fetched
// and unpacked once, however many images share it.
//
// A layer is a folder named by the digest of its compressed form, with its archive
// and facts from unpacking it. One rename adds it, complete and verified, and one
// rename removes it, so that a crash never leaves, and another worker never sees,
// half a layer.
package layers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
)

const (
	archiveName = "layer.tar"
	factsName   = "facts.json"
)

// Layer is a layer of an image's manifest.
type Layer struct {
	Digest image.Digest // of its compressed form
	Size   int64        // bytes, compressed
	DiffID string       // digest of the archive, as the configuration claims
	From   string       // the registry that sends it, for errors; may be empty
}

func (l Layer) from() string { return cmp.Or(l.From, "the registry") }

// Facts are found while unpacking a layer.
type Facts struct {
	DiffID  string // digest of the archive, sha256:<hex>
	Size    int64  // bytes of the archive
	Entries int    // of the archive
}

// Open opens the compressed layer for reading.
type Open func(context.Context) (io.ReadCloser, error)

// Bounds limit the store. The least recently used layers are removed first.
type Bounds struct {
	Bytes int64
	Age   time.Duration // since the layer was last used
}

// Store is a folder of layers. Several processes may use the same folder; all
// methods are safe for concurrent use.
type Store struct {
	folder  string
	scratch string // on the same file system
	bounds  Bounds
	locks   locks
	known   known
}

// New makes the folder. Layers are received in scratch, an existing folder on the
// same file system that is emptied after a crash.
func New(folder, scratch string, bounds Bounds) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("create layer store: %w", err)
	}
	return &Store{folder: folder, scratch: scratch, bounds: bounds, known: newKnown()}, nil
}

// Link makes path another name of the layer's archive, after fetching a layer that
// the store does not have. It reports whether it fetched.
func (s *Store) Link(ctx context.Context, want Layer, sizeLimit *SizeLimit, open Open, path string) (facts Facts, fetched bool, err error) {
	unlock, err := s.locks.lock(ctx, want.Digest)
	if err != nil {
		return Facts{}, false, fmt.Errorf("wait for layer %s: %w", want.Digest.Short(), err)
	}
	defer unlock()
	facts, err = s.link(want, path)
	if err == nil {
		err = s.verify(ctx, want, path)
	}
	if err == nil {
		return facts, false, sizeLimit.spend(facts.Size, facts.Entries)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Facts{}, false, err
	}
	if facts, err = s.fetch(ctx, want, sizeLimit, open, path); err != nil {
		return Facts{}, true, fmt.Errorf("layer %s: %w", want.Digest.Short(), err)
	}
	return facts, true, s.evict(time.Now())
}

// link uses the stored layer; fs.ErrNotExist if there is none that is whole.
func (s *Store) link(want Layer, path string) (Facts, error) {
	folder := s.path(want.Digest)
	text, err := os.ReadFile(filepath.Join(folder, factsName))
	if err != nil {
		return Facts{}, fmt.Errorf("read layer store: %w", err)
	}
	var facts Facts
	archive := filepath.Join(folder, archiveName)
	if info, err := os.Stat(archive); err != nil || json.Unmarshal(text, &facts) != nil || info.Size() != facts.Size {
		return Facts{}, errors.Join(fs.ErrNotExist, s.remove(folder)) // damaged from outside
	}
	if err := os.Link(archive, path); err != nil {
		return Facts{}, fmt.Errorf("link layer: %w", err)
	}
	now := time.Now()
	if err := os.Chtimes(folder, now, now); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Facts{}, fmt.Errorf("record use of layer: %w", err)
	}
	return facts, nil
}

// fetch receives a layer, links it and moves it into the store.
func (s *Store) fetch(ctx context.Context, want Layer, sizeLimit *SizeLimit, open Open, path string) (Facts, error) {
	folder, err := os.MkdirTemp(s.scratch, "layer-")
	if err != nil {
		return Facts{}, fmt.Errorf("store layer: %w", err)
	}
	defer os.RemoveAll(folder)
	body, err := open(ctx)
	if err != nil {
		return Facts{}, err
	}
	defer body.Close()
	archive := filepath.Join(folder, archiveName)
	sum := s.known.hash()
	facts, err := receive(body, want, archive, sum, sizeLimit)
	if err != nil {
		return Facts{}, err
	}
	s.known.keep(s.path(want.Digest), verified{facts.DiffID, sum.Sum64()})
	if err := os.Link(archive, path); err != nil {
		return Facts{}, fmt.Errorf("link layer: %w", err)
	}
	return facts, s.admit(folder, want, facts)
}

// admit adds a complete layer to the store. If another process was faster, its copy
// stays.
func (s *Store) admit(folder string, want Layer, facts Facts) error {
	text, err := json.Marshal(facts)
	if err != nil {
		return fmt.Errorf("store layer: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, factsName), text, 0o600); err != nil {
		return fmt.Errorf("store layer: %w", err)
	}
	if err := os.Rename(folder, s.path(want.Digest)); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("store layer: %w", err)
	}
	return nil
}

func (s *Store) path(digest image.Digest) string { return filepath.Join(s.folder, digest.Hex()) }

// remove takes a layer out by one rename and then deletes it. Images that link its
// archive keep it.
func (s *Store) remove(folder string) error {
	s.known.forget(folder)
	dying, err := os.MkdirTemp(s.scratch, "evicted-")
	if err != nil {
		return fmt.Errorf("remove layer: %w", err)
	}
	defer os.RemoveAll(dying)
	if err := os.Rename(folder, filepath.Join(dying, "layer")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove layer: %w", err)
	}
	return nil
}
