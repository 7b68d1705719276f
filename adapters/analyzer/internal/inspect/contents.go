package inspect

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/anchore/stereoscope/pkg/file"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// reader digests and searches the content of each file.
type reader struct {
	search    *search
	inventory *sbom.Inventory
	hits      map[file.ID]fileHits
	buffer    bytes.Buffer
	copying   []byte // between a file and the digests; few need one
}

// fileHits are the hits in one file's content.
type fileHits struct{ secrets, search []sbom.Hit }

// read reads one file: into the digests, and if it is small enough into memory,
// for the expressions and to keep it.
func (r *reader) read(id file.ID, content io.Reader, listed *sbom.File, wanted []sums.Algorithm) error {
	digests := make([]hash.Hash, len(wanted))
	var targets []io.Writer
	for i, algorithm := range wanted {
		digests[i] = algorithm.New()
		targets = append(targets, digests[i])
	}
	r.buffer.Reset()
	inMemory := r.needs(listed)
	if inMemory {
		targets = append(targets, &r.buffer)
	}
	if err := r.copy(targets, content); err != nil {
		return fmt.Errorf("%w: %w", errkind.Invalid, err)
	}
	for i, algorithm := range wanted {
		*digestOf(listed, algorithm) = hex.EncodeToString(digests[i].Sum(nil))
	}
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

func (r *reader) copy(targets []io.Writer, content io.Reader) (err error) {
	if len(targets) == 1 && targets[0] == &r.buffer {
		_, err = r.buffer.ReadFrom(content)
		return err
	}
	if r.copying == nil {
		r.copying = make([]byte, 128<<10)
	}
	_, err = io.CopyBuffer(io.MultiWriter(targets...), content, r.copying)
	return err
}

// needs reports whether the search needs the file's content.
func (r *reader) needs(listed *sbom.File) bool { return listed.Size <= r.search.memory(listed.Path) }

// report adds a file's hits to the inventory under one of its paths.
func (r *reader) report(path string, found fileHits) {
	for _, hit := range found.secrets {
		r.inventory.SecretHits = append(r.inventory.SecretHits, sbom.Hit{Path: path, Expression: hit.Expression, Lines: hit.Lines})
	}
	for _, hit := range found.search {
		r.inventory.ContentHits = append(r.inventory.ContentHits, sbom.Hit{Path: path, Expression: hit.Expression, Lines: hit.Lines})
	}
}

// finish sorts the hits, which are in the order of the archives.
func (r *reader) finish() {
	for _, hits := range [][]sbom.Hit{r.inventory.SecretHits, r.inventory.ContentHits} {
		slices.SortFunc(hits, func(a, b sbom.Hit) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Expression, b.Expression))
		})
	}
}
