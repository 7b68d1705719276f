package inspect

import (
	"cmp"
	"slices"
	"strings"

	syftbom "github.com/anchore/syft/syft/sbom"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

// maxReason bounds a reason, in bytes; the SBOM has the whole.
const maxReason = 300

// unreadableOf are the files that syft could not read completely, each with one
// reason; the SBOM has all. Package databases are left out: they were checked before.
func (d databases) unreadableOf(bill *syftbom.SBOM) (files []sbom.Unreadable) {
	for coordinates, reasons := range bill.Artifacts.Unknowns {
		if _, isDatabase := d[coordinates.RealPath]; isDatabase {
			continue
		}
		for _, reason := range reasons {
			cataloger, text := splitReason(reason)
			text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
			if len(text) > maxReason {
				text = strings.ToValidUTF8(text[:maxReason], "") + "..."
			}
			files = append(files, sbom.Unreadable{Path: coordinates.RealPath, Cataloger: cataloger, Reason: text})
		}
	}
	slices.SortFunc(files, func(a, b sbom.Unreadable) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Cataloger, b.Cataloger), cmp.Compare(a.Reason, b.Reason))
	})
	return slices.CompactFunc(files, func(a, b sbom.Unreadable) bool { return a.Path == b.Path })
}
