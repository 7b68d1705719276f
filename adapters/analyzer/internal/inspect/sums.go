package inspect

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/anchore/stereoscope/pkg/filetree"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// SumsName is the file in a folder that has the digests of a layer's files.
func SumsName(folder string, layer int, algorithm sums.Algorithm) string {
	return filepath.Join(folder, fmt.Sprintf("%d-%s", layer, algorithm))
}

// layerSums are the digests of a layer's files that the worker computed.
type layerSums map[sums.Algorithm]sums.Table

func readSums(request Request, layers int) ([]layerSums, error) {
	all := make([]layerSums, layers)
	for i := range all {
		all[i] = layerSums{}
		for _, algorithm := range []sums.Algorithm{sums.SHA256, sums.MD5, sums.SHA1, sums.Bundle} {
			table, err := sums.Read(SumsName(request.Sums, i, algorithm), algorithm)
			if err != nil {
				return nil, err
			}
			all[i][algorithm] = table
		}
	}
	return all, nil
}

// fill gives a file the digests that the worker computed, and returns the algorithms
// of the missing ones.
func (o *opened) fill(listed *sbom.File, entry filetree.IndexEntry, wanted []sums.Algorithm) []sums.Algorithm {
	return slices.DeleteFunc(wanted, func(algorithm sums.Algorithm) bool {
		digest := o.sumOf(entry, algorithm)
		*digestOf(listed, algorithm) = digest
		return digest != ""
	})
}

// sumOf is the digest that the worker computed, in hexadecimal; "" without one.
func (o *opened) sumOf(entry filetree.IndexEntry, algorithm sums.Algorithm) string {
	layer := o.FileCatalog.Layer(entry.Reference)
	if layer == nil || int(layer.Metadata.Index) >= len(o.sums) {
		return ""
	}
	return o.sums[layer.Metadata.Index][algorithm].Find(entry.Metadata.Path)
}

// digestOf is the field of a digest.
func digestOf(file *sbom.File, algorithm sums.Algorithm) *string {
	switch algorithm {
	case sums.MD5:
		return &file.MD5
	case sums.SHA1:
		return &file.SHA1
	}
	return &file.SHA256
}
