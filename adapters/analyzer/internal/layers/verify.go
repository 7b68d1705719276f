package layers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
)

// readSize is how many bytes of an archive are read at a time.
const readSize = 256 << 10

// known has a sum of each stored archive whose digest this process has computed. The
// sum's seed is random and stays in this process, so that no content can be made to
// have the same sum. Reading and adding up takes a third of the processor time of
// reading and digesting.
type known struct {
	seed maphash.Seed
	mu   sync.Mutex
	of   map[string]verified // by the layer's folder
}

// verified is an archive as it was when its digest was computed.
type verified struct {
	diffID string
	sum    uint64
}

func newKnown() known { return known{seed: maphash.MakeSeed(), of: map[string]verified{}} }

func (k *known) hash() *maphash.Hash {
	hash := &maphash.Hash{}
	hash.SetSeed(k.seed)
	return hash
}

func (k *known) keep(folder string, archive verified) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of[folder] = archive
}

func (k *known) find(folder string) (verified, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	archive, found := k.of[folder]
	return archive, found
}

func (k *known) forget(folder string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.of, folder)
}

// verify reads a stored archive again, because a failing disk or an edit can leave its
// size unchanged. It removes an archive without the claimed digest, and its link, and
// returns fs.ErrNotExist.
func (s *Store) verify(ctx context.Context, want Layer, path string) error {
	unchanged, err := s.unchanged(ctx, want, path)
	if err != nil {
		return fmt.Errorf("verify layer: %w", err)
	}
	if unchanged {
		return nil
	}
	if err := errors.Join(os.Remove(path), s.remove(s.path(want.Digest))); err != nil {
		return fmt.Errorf("remove damaged layer: %w", err)
	}
	return fs.ErrNotExist
}

// unchanged compares an archive with its digest, or with the sum that it had when this
// process last did so.
func (s *Store) unchanged(ctx context.Context, want Layer, path string) (bool, error) {
	sum := s.known.hash()
	before, found := s.known.find(s.path(want.Digest))
	if found && before.diffID == want.DiffID {
		err := read(ctx, path, sum)
		return sum.Sum64() == before.sum, err
	}
	digest := sha256.New()
	if err := read(ctx, path, digest, sum); err != nil {
		return false, err
	}
	if "sha256:"+hex.EncodeToString(digest.Sum(nil)) != want.DiffID {
		return false, nil
	}
	s.known.keep(s.path(want.Digest), verified{want.DiffID, sum.Sum64()})
	return true, nil
}

// read reads a file into hashes.
func read(ctx context.Context, path string, into ...hash.Hash) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	reader, buffer := sums.UntilDone(ctx, file), make([]byte, readSize)
	for {
		n, err := reader.Read(buffer)
		for _, each := range into {
			each.Write(buffer[:n])
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
