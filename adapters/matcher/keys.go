package matcher

import (
	"maps"
	"slices"
	"strings"

	"github.com/anchore/grype/grype/db/v6/name"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/syft/syft/cpe"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// keysOf returns the names under which data about any of the members can be
// found. Ecosystem, distribution and vendor are left out: the surplus is cheap,
// and no alias of them can hide a change.
func keysOf(members []member) []string {
	keys := map[string]struct{}{}
	for i, m := range members {
		p := m.pkg(i)
		addKeys(keys, p)
		for _, upstream := range pkg.UpstreamPackages(p) {
			addKeys(keys, upstream)
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func addKeys(keys map[string]struct{}, p pkg.Package) {
	for _, each := range append(name.PackageNames(p), p.Name, name.Normalize(p.Name, p.Type)) {
		keys[strings.ToLower(each)] = struct{}{}
	}
	for _, c := range p.CPEs {
		// Without a product grype does not check all.
		if c.Attributes.Product != cpe.Any {
			keys[vuln.ProductPrefix+strings.ToLower(c.Attributes.Product)] = struct{}{}
		}
	}
}
