package inspect

import (
	"bytes"
	"crypto/md5"  // what package databases have
	"crypto/sha1" // the same
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/anchore/stereoscope/pkg/file"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// reader passes the content of each file to all who want it.
type reader struct {
	search    *search
	inventory *sbom.Inventory
	hits      map[file.ID]fileHits
	buffer    bytes.Buffer
}

// fileHits are the hits in one file's content.
type fileHits struct{ secrets, search []sbom.Hit }

// read reads one file: into the digests, and if it is small enough into memory,
// for the expressions and to keep it.
func (r *reader) read(id file.ID, content io.Reader, listed *sbom.File, wanted digests) error {
	sums := newSums(wanted)
	r.buffer.Reset()
	target := io.Writer(sums)
	inMemory := r.asksFor(listed)
	if inMemory {
		target = io.MultiWriter(sums, &r.buffer)
	}
	if _, err := io.Copy(target, content); err != nil {
		return fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	sums.store(listed)
	if !inMemory {
		return nil
	}
	if r.search.retrieves(listed) {
		r.inventory.Retrieved[listed.Path] = bytes.Clone(r.buffer.Bytes())
	}
	found, err := r.search.find(r.buffer.Bytes())
	if err != nil || len(found.secrets)+len(found.search) == 0 {
		return err
	}
	r.hits[id] = found
	r.report(listed.Path, found)
	return nil
}

// asksFor reports whether somebody wants the file's content.
func (r *reader) asksFor(listed *sbom.File) bool { return listed.Size <= r.search.memory(listed.Path) }

// report adds a file's hits to the inventory under one of its paths.
func (r *reader) report(path string, found fileHits) {
	for _, hit := range found.secrets {
		r.inventory.SecretHits = append(r.inventory.SecretHits, sbom.Hit{Path: path, Expression: hit.Expression, Lines: hit.Lines})
	}
	for _, hit := range found.search {
		r.inventory.ContentHits = append(r.inventory.ContentHits, sbom.Hit{Path: path, Expression: hit.Expression, Lines: hit.Lines})
	}
}

// finish sorts what was found in the order of the archives.
func (r *reader) finish() {
	for _, hits := range [][]sbom.Hit{r.inventory.SecretHits, r.inventory.ContentHits} {
		slices.SortFunc(hits, func(a, b sbom.Hit) int {
			if a.Path != b.Path {
				return strings.Compare(a.Path, b.Path)
			}
			return strings.Compare(a.Expression, b.Expression)
		})
	}
}

// fileSums are the digests of one file.
type fileSums struct {
	io.Writer
	sha256, md5, sha1 hash.Hash // nil if not wanted
}

func newSums(wanted digests) *fileSums {
	s := &fileSums{}
	writers := []io.Writer{io.Discard}
	if wanted.sha256 {
		s.sha256 = sha256.New()
		writers = append(writers, s.sha256)
	}
	if wanted.md5 {
		s.md5 = md5.New()
		writers = append(writers, s.md5)
	}
	if wanted.sha1 {
		s.sha1 = sha1.New()
		writers = append(writers, s.sha1)
	}
	s.Writer = io.MultiWriter(writers...)
	return s
}

func (s *fileSums) store(listed *sbom.File) {
	for _, each := range []struct {
		sum   hash.Hash
		field *string
	}{{s.sha256, &listed.SHA256}, {s.md5, &listed.MD5}, {s.sha1, &listed.SHA1}} {
		if each.sum != nil {
			*each.field = hex.EncodeToString(each.sum.Sum(nil))
		}
	}
}
