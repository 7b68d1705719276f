package inspect

import (
	"path"
	"slices"
	"strings"

	"github.com/anchore/stereoscope/pkg/filetree"
	stereoscope "github.com/anchore/stereoscope/pkg/image"
)

// searchNames makes the image find the files whose names begin with a text without
// comparing the names of all files. syft searches in this way for each package of dpkg.
func searchNames(image *stereoscope.Image) {
	tree := image.SquashedTree()
	var names []string
	for _, each := range tree.AllRealPaths() {
		names = append(names, path.Base(string(each)))
	}
	slices.Sort(names)
	image.SquashedSearchContext = filetree.NewSearchContext(tree, sortedNames{image.FileCatalog, slices.Compact(names)})
}

// sortedNames is an index of files with the names of those in the squashed file system.
type sortedNames struct {
	filetree.IndexReader
	names []string
}

// GetByBasenameGlob implements filetree.IndexReader.
func (s sortedNames) GetByBasenameGlob(globs ...string) ([]filetree.IndexEntry, error) {
	var entries []filetree.IndexEntry
	for _, glob := range globs {
		found, err := s.byGlob(glob)
		if err != nil {
			return nil, err
		}
		entries = append(entries, found...)
	}
	return entries, nil
}

func (s sortedNames) byGlob(glob string) ([]filetree.IndexEntry, error) {
	prefix, isPrefix := strings.CutSuffix(glob, "*")
	if !isPrefix || prefix == "" || strings.ContainsAny(prefix, `*?[]{}\/`) {
		return s.IndexReader.GetByBasenameGlob(glob)
	}
	first, _ := slices.BinarySearch(s.names, prefix)
	end := first
	for end < len(s.names) && strings.HasPrefix(s.names[end], prefix) {
		end++
	}
	return s.GetByBasename(s.names[first:end]...)
}
