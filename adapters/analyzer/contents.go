package analyzer

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/inspect"
	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/sbom"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// Contents passes the content of every regular file of an analyzed image to
// visit: each distinct content once, with all the paths under which the inventory
// lists it, sorted. Empty files are left out. The content can be read only until
// visit returns; an error of visit ends the walk and is returned as it is.
//
// It reads the layers that the analysis left in the store, and fetches missing ones
// again. The request is the one that was analyzed. The digests in the inventory
// identify the contents, so that links, white-outs and replaced files need no second
// interpretation here.
func (a *Analyzer) Contents(ctx context.Context, request Request, inventory *sbom.Inventory, visit func(paths []string, size int64, content io.Reader) error) error {
	folder, err := a.scratch.New("contents")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	documents, err := a.read(ctx, request)
	if err != nil {
		return err
	}
	if _, err := a.fetch(ctx, request.Source, documents, folder, &reporter{listener: request.Progress}); err != nil {
		return err
	}
	walk := newWalk(inventory, a.limits.ImageBytes, visit)
	for i, diffID := range documents.diffIDs {
		archive := filepath.Join(layersFolder(folder), inspect.LayerName(i, string(diffID)))
		if err := walk.layer(ctx, archive); err != nil {
			return err
		}
	}
	return walk.complete()
}

// contentsWalk looks for the contents of an inventory in layers.
type contentsWalk struct {
	visit     func([]string, int64, io.Reader) error
	paths     map[string][]string // of each content, by its digest
	sizes     map[int64]bool      // of all contents: others need not be digested
	visited   map[string]bool     // digests
	sizeLimit int64               // bytes that sparse files may still have
	limit     int64
}

func newWalk(inventory *sbom.Inventory, limit int64, visit func([]string, int64, io.Reader) error) *contentsWalk {
	w := &contentsWalk{visit: visit, paths: map[string][]string{}, sizes: map[int64]bool{},
		visited: map[string]bool{}, sizeLimit: limit, limit: limit}
	for _, file := range inventory.Files {
		if file.SHA256 != "" && file.Size > 0 {
			w.paths[file.SHA256] = append(w.paths[file.SHA256], file.Path)
			w.sizes[file.Size] = true
		}
	}
	return w
}

// layer visits the contents in the archive. It reads the archive twice, because the
// digest of an entry is complete only at the entry's end.
func (w *contentsWalk) layer(ctx context.Context, archive string) error {
	found := map[int]string{}
	err := sums.EachEntry(ctx, archive, func(i int, header *tar.Header, content io.Reader) error {
		digest, err := w.digest(header, content)
		if len(w.paths[digest]) > 0 && !w.visited[digest] {
			found[i] = digest
		}
		return err
	})
	if err != nil {
		return err
	}
	return sums.EachEntry(ctx, archive, func(i int, header *tar.Header, content io.Reader) error {
		digest, wanted := found[i]
		if !wanted || w.visited[digest] {
			return nil
		}
		w.visited[digest] = true
		return w.visit(w.paths[digest], header.Size, content)
	})
}

// digest is the entry's SHA-256; "" if its size is not that of a content.
func (w *contentsWalk) digest(header *tar.Header, content io.Reader) (string, error) {
	if !w.sizes[header.Size] {
		return "", nil
	}
	if isSparse(header) { // it may claim many more bytes than its archive has
		if w.sizeLimit -= header.Size; w.sizeLimit < 0 {
			return "", fmt.Errorf("the image's sparse files have more than %s: %w", wording.Size(w.limit), errkind.Limit)
		}
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", fmt.Errorf("read layer: %w: %w", errkind.Invalid, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func isSparse(header *tar.Header) bool {
	if header.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// complete reports contents that were in none of the layers.
func (w *contentsWalk) complete() error {
	var missing []string
	for digest, paths := range w.paths {
		if !w.visited[digest] {
			missing = append(missing, paths...)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%d files of the inventory are not in the layers, as %s: %w", len(missing), slices.Min(missing), errkind.Invalid)
}
