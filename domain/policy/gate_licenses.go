package policy

import (
	"strings"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

var gateLicenses = Gate{
	Name:        "licenses",
	Description: "Checks the licenses of the image's packages. A license expression counts as its words.",
	Triggers: []Trigger{
		{Name: "blacklist_exact_match", check: licenseExactMatch,
			Description: "Fires once if a package has one of the licenses.",
			Parameters: []Parameter{{Name: "licenses", Type: List, Required: true, Example: "GPLv2+,GPL-3+,BSD-2-clause",
				Description: "Names of licenses, as packages write them. Case matters."}}},
		{Name: "blacklist_partial_match", check: licensePartialMatch,
			Description: "Fires once if the license of a package contains one of the texts.",
			Parameters: []Parameter{{Name: "licenses", Type: List, Required: true, Example: "LGPL,BSD",
				Description: "Texts to find in the names of licenses. Case matters."}}},
	},
}

func licenseExactMatch(c *check) error {
	unwanted := c.set("licenses")
	var found []string
	for l := range each(c.memo.timeLimit, licensesOf(c)) {
		if unwanted[l.name] {
			found = append(found, l.String())
		}
	}
	fireLicenses(c, "LICFULLMATCH", found)
	return nil
}

func licensePartialMatch(c *check) error {
	unwanted := c.list("licenses")
	var found []string
	for l := range each(c.memo.timeLimit, licensesOf(c)) {
		for text := range each(c.memo.timeLimit, unwanted) {
			if strings.Contains(l.name, text) {
				found = append(found, l.String())
			}
		}
	}
	fireLicenses(c, "LICSUBMATCH", found)
	return nil
}

func fireLicenses(c *check, kind string, found []string) {
	if len(found) > 0 {
		c.fire(kind + " Packages are installed that have blacklisted licenses: " + strings.Join(found, ", "))
	}
}

// license is one name of a package's license text.
type license struct {
	pkg  string
	name string
}

func (l license) String() string { return l.pkg + "(" + l.name + ")" }

func licensesOf(c *check) []license {
	return shared(c, "licenses names", func() []license {
		var licenses []license
		for _, p := range packagesOf(c) {
			for _, name := range licenseNames(p) {
				licenses = append(licenses, license{pkg: p.Name, name: name})
			}
		}
		return licenses
	})
}

// licenseNames are the words of the package's licenses. A package without any
// has a name for that, which rules can refer to.
func licenseNames(p *sbom.Package) []string {
	if names := strings.Fields(strings.Join(p.Licenses, " ")); len(names) > 0 {
		return names
	}
	if p.Type == "deb" {
		return []string{"Unknown"}
	}
	return []string{"N/A"}
}
