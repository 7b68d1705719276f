package inspect

import (
	"path"
	"slices"
	"testing"

	"github.com/anchore/stereoscope/pkg/file"
	"github.com/anchore/stereoscope/pkg/filetree"
	"github.com/google/go-cmp/cmp"
)

func TestSortedNamesFindWhatTheIndexFinds(t *testing.T) {
	t.Parallel()
	index, names := filetree.NewIndex(), []string{}
	for _, each := range []string{"/info/a", "/info/a.list", "/info/a.md5sums", "/else/a.list", "/info/a.", "/info/ab.list", "/info/A.list",
		"/info/a-b.list", "/info/a.b.list", "/info/b+c.list", "/info/.hidden", "/info/[x].list", "/info/ä.list", "/z"} {
		index.Add(*file.NewFileReference(file.Path(each)), file.Metadata{Path: each})
		names = append(names, path.Base(each))
	}
	slices.Sort(names)
	sorted := sortedNames{index, slices.Compact(names)}
	for _, glob := range []string{"a.*", "a*", "ab.*", "b+c.*", ".*", "none*", "*", "*.list", "a.*.list", "a?list", "[x].*", "ä*", "z*", "zz*", "a.list"} {
		want, wantErr := index.GetByBasenameGlob(glob)
		got, gotErr := sorted.GetByBasenameGlob(glob)
		if diff := cmp.Diff(pathsIn(want), pathsIn(got)); diff != "" || (wantErr == nil) != (gotErr == nil) {
			t.Errorf("%s: %v, want %v (-index +sorted):\n%s", glob, gotErr, wantErr, diff)
		}
	}
}

func pathsIn(entries []filetree.IndexEntry) (paths []string) {
	for _, each := range entries {
		paths = append(paths, each.Path)
	}
	slices.Sort(paths)
	return paths
}
