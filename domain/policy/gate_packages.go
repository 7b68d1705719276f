package policy

import (
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

var gatePackages = Gate{
	Name:        "packages",
	Description: "Checks the packages of the distribution and of languages.",
	Triggers: []Trigger{
		{Name: "required_package", check: requiredPackage,
			Description: "Fires if the package is absent, and for each installation of it in another version.",
			Parameters: []Parameter{
				{Name: "name", Type: Text, Required: true, Example: "libssl",
					Description: "Name of the package."},
				{Name: "version", Type: Text, Example: "1.10.3rc3",
					Description: "Version that must be installed; for rpm and apk packages with or without the release. Any if not given."},
				{Name: "version_match_type", Type: Enum, Values: []string{"exact", "minimum"}, Default: "exact", Example: "exact",
					Description: "Whether exactly this version is required, or this one or a higher one. Only dpkg, rpm and APKG versions have an order; other packages need exactly this version."},
			}},
		{Name: "verify", check: verifyPackages,
			Description: "Fires for each file that its package's database entry does not describe: changed, or missing.",
			Parameters: []Parameter{
				{Name: "only_packages", Type: List, Example: "libssl,openssl",
					Description: "Names of packages to verify. All if not given."},
				{Name: "only_directories", Type: List, Example: "/usr,/var/lib",
					Description: "Beginnings of paths to verify. All if not given."},
				{Name: "check", Type: Enum, Values: []string{"changed", "missing"}, Example: "changed",
					Description: "The one difference to report. Both if not given."},
			}},
		{Name: "blacklist", check: blacklistedPackage,
			Description: "Fires for each installed package of that name.",
			Parameters: []Parameter{
				{Name: "name", Type: Text, Required: true, Example: "openssh-server",
					Description: "Name of the package."},
				{Name: "version", Type: Text, Example: "1.0.1",
					Description: "The one unwanted version; for rpm and apk packages with or without the release. Any if not given."},
			}},
		{Name: "unreadable_file", Addition: true, check: unreadableFiles,
			Description: "Fires for each file that could not be read for its packages, or only in part."},
		{Name: "analysis_failed", Addition: true, check: analysisFailed,
			Description: "Fires if the image that the tag points to could not be analyzed, so that everything else is about the image before it."},
	},
}

func requiredPackage(c *check) error {
	name := c.value("name")
	version, given := c.text("version")
	packages := packagesNamed(c, name)
	for p := range each(c.memo.timeLimit, packages) {
		if given && !hasVersion(p, version) {
			fireUnlessNewer(c, p, version)
		}
	}
	if len(packages) == 0 {
		fireAbsent(c, name, version)
	}
	return nil
}

// fireUnlessNewer fires for a package in another version than the required one,
// unless a newer one does. The text of the exact match ends with the name, where
// the version belongs.
func fireUnlessNewer(c *check, p *sbom.Package, version string) {
	if c.value("version_match_type") == "exact" {
		c.fire(fmt.Sprintf("Required input package (%s) is present (%s), but not at the version specified in policy (%s)", p.Name, p.Version, p.Name))
		return
	}
	if version == "" {
		return // every version is higher
	}
	if order, comparable := compareVersions(p.Type, p.Version, version); !comparable || order < 0 {
		c.fire(fmt.Sprintf("Required min-version input package (%s) is present (%s), but is lower version than what is specified in policy (%s)", p.Name, p.Version, version))
	}
}

func fireAbsent(c *check, name, version string) {
	if version != "" {
		name += "," + version
	}
	c.fire(fmt.Sprintf("Required input package (%s) is not present in container image", name))
}

func blacklistedPackage(c *check) error {
	name, version := c.value("name"), c.value("version")
	for p := range each(c.memo.timeLimit, packagesNamed(c, name)) {
		switch {
		case version == "":
			c.fire("Package is blacklisted: " + name)
		case hasVersion(p, version):
			c.fire("Package is blacklisted: " + name + "-" + version)
		}
	}
	return nil
}

// installed are the versions by name, in order of appearance, of the packages of
// one type of syft.
type installed struct {
	names    []string
	versions map[string][]string
}

func installedOf(c *check, syftType string) installed {
	return shared(c, "packages installed "+syftType, func() installed {
		all := installed{versions: map[string][]string{}}
		for _, p := range packagesOf(c) {
			if p.Type != syftType || slices.Contains(all.versions[p.Name], p.Version) {
				continue
			}
			if all.versions[p.Name] == nil {
				all.names = append(all.names, p.Name)
			}
			all.versions[p.Name] = append(all.versions[p.Name], p.Version)
		}
		return all
	})
}

// unreadableFiles fires once for each file. Its trigger id is made of the path
// alone: reasons may be worded differently by another version of syft.
func unreadableFiles(c *check) error {
	for file := range each(c.memo.timeLimit, c.input.Inventory.Unreadable) {
		c.fireAs(triggerID(c.gate, c.trigger, file.Path), fmt.Sprintf("Packages of file %s could not be read (%s: %s)", file.Path, file.Cataloger, file.Reason))
	}
	return nil
}

// analysisFailed has a trigger id of its own for each image, so that a whitelist
// item is about that one only.
func analysisFailed(c *check) error {
	if failed := c.input.Failed; failed != nil {
		c.fireAs(triggerID(c.gate, c.trigger, string(failed.Digest)), fmt.Sprintf("Image %s could not be analyzed (%s); this evaluation is of %s",
			failed.Digest, failed.Reason, c.input.Inventory.Digest))
	}
	return nil
}
