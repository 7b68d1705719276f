package policy

import (
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

var gatePackages = Gate{
	Name:        "packages",
	Description: "Looks at the packages of the distribution and of languages.",
	Triggers: []Trigger{
		{
			Name:        "required_package",
			Description: "Fires if the package is absent, and for each installation of it in a version that does not do.",
			Parameters: []Parameter{
				{
					Name:        "name",
					Description: "Name of the package.",
					Example:     "libssl",
					Type:        Text,
					Required:    true,
				},
				{
					Name:        "version",
					Description: "Version that must be installed; for rpm and apk packages with or without the release. Any if not given.",
					Example:     "1.10.3rc3",
					Type:        Text,
				},
				{
					Name:        "version_match_type",
					Description: "Whether the version is the only one that does, or the lowest one. Only dpkg, rpm and APKG versions have an order; of other packages only the very version does.",
					Example:     "exact",
					Type:        Enum,
					Values:      []string{"exact", "minimum"},
					Default:     "exact",
				},
			},
			check: requiredPackage,
		},
		{
			Name:        "verify",
			Description: "Fires for each file that its package's database entry does not describe: changed, or missing.",
			Parameters: []Parameter{
				{
					Name:        "only_packages",
					Description: "Names of packages to verify. All if not given.",
					Example:     "libssl,openssl",
					Type:        List,
				},
				{
					Name:        "only_directories",
					Description: "Beginnings of paths to verify. All if not given.",
					Example:     "/usr,/var/lib",
					Type:        List,
				},
				{
					Name:        "check",
					Description: "The one difference to tell. Both if not given.",
					Example:     "changed",
					Type:        Enum,
					Values:      []string{"changed", "missing"},
				},
			},
			check: verifyPackages,
		},
		{
			Name:        "blacklist",
			Description: "Fires for each installed package of that name.",
			Parameters: []Parameter{
				{
					Name:        "name",
					Description: "Name of the package.",
					Example:     "openssh-server",
					Type:        Text,
					Required:    true,
				},
				{
					Name:        "version",
					Description: "The one unwanted version; for rpm and apk packages with or without the release. Any if not given.",
					Example:     "1.0.1",
					Type:        Text,
				},
			},
			check: blacklistedPackage,
		},
		{
			Name:        "unreadable_file",
			Description: "Fires for each file that could not be read for its packages, or only in part.",
			Addition:    true,
			check:       unreadableFiles,
		},
		{
			Name:        "analysis_failed",
			Description: "Fires if the image that the tag points to could not be analyzed, so that everything else is about the image before it.",
			Addition:    true,
			check:       analysisFailed,
		},
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
