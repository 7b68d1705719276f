package inspect

import (
	"fmt"
	"path/filepath"

	"github.com/anchore/stereoscope/pkg/filetree"

	"github.com/tagwatch/tagwatch/adapters/analyzer/internal/sums"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// SumsName is the file in a folder that has the digests of a layer's files.
func SumsName(folder string, layer int, algorithm sums.Algorithm) string {
	return filepath.Join(folder, fmt.Sprintf("%d-%s", layer, algorithm))
}

// known are the digests that the worker computed, for each layer.
type known []layerSums

type layerSums struct{ sha256, md5, sha1 sums.Table }

func readSums(request Request, layers int) (known, error) {
	all := make(known, layers)
	for i := range all {
		for _, each := range []struct {
			algorithm sums.Algorithm
			table     *sums.Table
		}{{sums.SHA256, &all[i].sha256}, {sums.MD5, &all[i].md5}, {sums.SHA1, &all[i].sha1}} {
			var err error
			if *each.table, err = sums.Read(SumsName(request.Sums, i, each.algorithm), each.algorithm); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// fill gives a file its digests and returns those that are not known.
func (o *opened) fill(listed *sbom.File, entry filetree.IndexEntry, wanted digests) digests {
	layer := o.FileCatalog.Layer(entry.Reference)
	if layer == nil || int(layer.Metadata.Index) >= len(o.sums) {
		return wanted
	}
	tables, path := o.sums[layer.Metadata.Index], entry.Metadata.Path
	for _, each := range []struct {
		wanted *bool
		table  sums.Table
		field  *string
	}{{&wanted.sha256, tables.sha256, &listed.SHA256}, {&wanted.md5, tables.md5, &listed.MD5}, {&wanted.sha1, tables.sha1, &listed.SHA1}} {
		if !*each.wanted {
			continue
		}
		if *each.field = each.table.Find(path); *each.field != "" {
			*each.wanted = false
		}
	}
	return wanted
}
