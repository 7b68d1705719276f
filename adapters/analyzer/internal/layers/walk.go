package layers

import (
	"archive/tar"
	"errors"
	"io"
	"strings"

	"github.com/tagwatch/tagwatch/domain/wording"
)

// walk reads a layer's archive to its end and counts its entries. It refuses entries
// that would make an analysis use unreasonable memory or time.
func walk(archive io.Reader, sizeLimit *SizeLimit) (entries int, err error) {
	limits := sizeLimit.limits
	reader := tar.NewReader(archive)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return entries, err
		}
		entries++
		if err := sizeLimit.spend(0, 1); err != nil {
			return entries, err
		}
		if err := checkPath(header, limits); err != nil {
			return entries, err
		}
		if header.Size > limits.LayerBytes { // a sparse file claims more than the archive holds
			return entries, exceeded("file of %s in a layer that may have %s", wording.Size(header.Size), wording.Size(limits.LayerBytes))
		}
	}
	_, err = io.Copy(io.Discard, archive) // what follows the archive's end belongs to the layer's digest
	return entries, err
}

func checkPath(header *tar.Header, limits Limits) error {
	for _, path := range []string{header.Name, header.Linkname} {
		if len(path) > limits.PathLength {
			return exceeded("path of %d bytes, the limit is %d", len(path), limits.PathLength)
		}
		if depth := strings.Count(path, "/"); depth > limits.PathDepth {
			return exceeded("path %d folders deep, the limit is %d", depth, limits.PathDepth)
		}
	}
	return nil
}
