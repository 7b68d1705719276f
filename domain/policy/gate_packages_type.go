package policy

import (
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

// packageTypes are the package types that policies know, by those of syft.
// Messages contain them, so they must never change.
var packageTypes = map[string]string{
	"apk":            "APKG",
	"deb":            "dpkg",
	"rpm":            "rpm",
	"msrc-kb":        "kb",
	"java-archive":   "java",
	"jenkins-plugin": "java",
	"npm":            "npm",
	"gem":            "gem",
	"python":         "python",
	"go-module":      "go",
}

// osTypes are syft's types of packages that a distribution brings.
var osTypes = []string{"apk", "deb", "rpm", "msrc-kb", "alpm", "portage", "nix", "homebrew", "linux-kernel", "linux-kernel-module"}

// PackageType is Anchore's word for a package type of syft, as in dpkg for deb;
// syft's own if Anchore has none.
func PackageType(syftType string) string {
	if known, found := packageTypes[syftType]; found {
		return known
	}
	return syftType
}

// IsOSPackage reports whether packages of that type of syft belong to the
// distribution, which policies call "os", or not, which they call "non-os".
func IsOSPackage(syftType string) bool { return slices.Contains(osTypes, syftType) }

// visible reports whether policies see a package. They see the types that Anchore
// knew, and no language package whose files all belong to a distribution
// package: that one is patched by its distribution, whose records tell about
// it. Seeing more would let bundles fire on images that they pass so far.
func visible(p *sbom.Package) bool {
	_, known := packageTypes[p.Type]
	return known && (!p.Owned || IsOSPackage(p.Type))
}

// packagesOf are the packages that the rules see. Of a distribution package
// that is installed for several architectures there is one.
func packagesOf(c *check) []*sbom.Package {
	return shared(c, "packages visible", func() []*sbom.Package {
		type identity struct{ kind, name, version string }
		seen := map[identity]bool{}
		var packages []*sbom.Package
		for i := range c.input.Inventory.Packages {
			p := &c.input.Inventory.Packages[i]
			id := identity{p.Type, p.Name, p.Version}
			if !visible(p) || IsOSPackage(p.Type) && seen[id] {
				continue
			}
			seen[id] = true
			packages = append(packages, p)
		}
		return packages
	})
}

// packagesNamed are those of them that have the name.
func packagesNamed(c *check, name string) []*sbom.Package {
	return shared(c, "packages by name", func() map[string][]*sbom.Package {
		byName := map[string][]*sbom.Package{}
		for _, p := range packagesOf(c) {
			byName[p.Name] = append(byName[p.Name], p)
		}
		return byName
	})[name]
}

// versionWithoutRelease is the version that Anchore stored: for rpm and apk
// without the part after the last hyphen.
func versionWithoutRelease(p *sbom.Package) string {
	if i := strings.LastIndex(p.Version, "-"); i > 0 && (p.Type == "rpm" || p.Type == "apk") {
		return p.Version[:i]
	}
	return p.Version
}

func hasVersion(p *sbom.Package, version string) bool {
	return version == p.Version || version == versionWithoutRelease(p)
}
