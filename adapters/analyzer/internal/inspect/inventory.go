package inspect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/artifact"
	"github.com/anchore/syft/syft/pkg"
	syftbom "github.com/anchore/syft/syft/sbom"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/sbom"
)

// describe makes the inventory without the files.
func describe(opened *opened, request Request, bill *syftbom.SBOM) *sbom.Inventory {
	inventory := &sbom.Inventory{Distro: opened.distro(bill), Packages: packagesOf(bill, opened.config.DiffIDs)}
	configure(inventory, request, opened.config)
	return inventory
}

func historyOf(config image.Configuration) (history []sbom.HistoryEntry) {
	for _, createdBy := range config.History {
		history = append(history, sbom.HistoryEntry{CreatedBy: createdBy})
	}
	return history
}

// packagesOf are the packages in a stable order.
func packagesOf(bill *syftbom.SBOM, layers []image.Digest) []sbom.Package {
	owned := ownedBySystem(bill.Relationships)
	var packages []sbom.Package
	for found := range bill.Artifacts.Packages.Enumerate() {
		one := packageOf(found, owned[found.ID()])
		one.Layer, one.Shared = layerOf(found, layers)
		packages = append(packages, one)
	}
	slices.SortFunc(packages, func(a, b sbom.Package) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Location, b.Location), cmp.Compare(a.ID, b.ID))
	})
	return packages
}

func packageOf(found pkg.Package, owned bool) sbom.Package {
	return sbom.Package{
		ID:        string(found.ID()),
		Name:      found.Name,
		Version:   found.Version,
		Type:      string(found.Type),
		Language:  string(found.Language),
		PURL:      found.PURL,
		Source:    sourceOf(found),
		Licenses:  licensesOf(found),
		Locations: pathsOf(found),
		Location:  locationOf(found),
		Owned:     owned,
		Manifest:  manifestOf(found),
	}
}

// ownedBySystem are the packages all of whose files a distribution package
// installed.
func ownedBySystem(relationships []artifact.Relationship) map[artifact.ID]bool {
	owned := map[artifact.ID]bool{}
	for _, each := range relationships {
		owner, isPackage := each.From.(pkg.Package)
		if isPackage && each.Type == artifact.OwnershipByFileOverlapRelationship && isSystem(owner.Type) {
			owned[each.To.ID()] = true
		}
	}
	return owned
}

// isSystem reports whether packages of a type come from the distribution.
func isSystem(kind pkg.Type) bool {
	switch kind {
	case pkg.DebPkg, pkg.RpmPkg, pkg.ApkPkg, pkg.AlpmPkg, pkg.PortagePkg:
		return true
	}
	return false
}

// layerOf is the number of the first layer with evidence of the package, and whether
// there is none but the system's database of packages.
func layerOf(found pkg.Package, layers []image.Digest) (first int, shared bool) {
	shared = isSystem(found.Type)
	for _, location := range found.Locations.ToSlice() {
		number := slices.Index(layers, image.Digest(location.FileSystemID)) + 1
		if number > 0 && (first == 0 || number < first) {
			first = number
		}
		if location.Annotations[pkg.EvidenceAnnotationKey] != pkg.PrimaryEvidenceAnnotation {
			shared = false
		}
	}
	return first, shared
}

// licensesOf are the licenses by name. For an unrecognized text, syft gives its
// digest, which is not a name.
func licensesOf(found pkg.Package) (licenses []string) {
	for _, license := range found.Licenses.ToSlice() {
		text := cmp.Or(license.SPDXExpression, license.Value)
		if text != "" && !strings.HasPrefix(text, "sha256:") {
			licenses = append(licenses, text)
		}
	}
	return licenses
}

// pathsOf are the files in which syft found the package.
func pathsOf(found pkg.Package) (paths []string) {
	for _, location := range found.Locations.ToSlice() {
		paths = append(paths, location.RealPath)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
