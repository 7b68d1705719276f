package matcher

import (
	"cmp"
	"slices"

	"github.com/anchore/grype/grype/version"
)

// sortVersions orders versions by the rules of their format, ascending; texts that
// are not versions of that format come last. Duplicates are dropped.
func sortVersions(texts []string, format version.Format) []string {
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	var valid []*version.Version
	var others []string
	for _, text := range texts {
		if v := version.New(text, format); v.Validate() == nil {
			valid = append(valid, v)
		} else {
			others = append(others, text)
		}
	}
	slices.SortStableFunc(valid, func(a, b *version.Version) int {
		order, err := a.Compare(b)
		if err != nil {
			return cmp.Compare(a.Raw, b.Raw)
		}
		return order
	})
	var sorted []string
	for _, v := range valid {
		sorted = append(sorted, v.Raw)
	}
	return append(sorted, others...)
}
