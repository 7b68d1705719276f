package policy

import (
	"testing"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

var licensed = withPackages(
	sbom.Package{Name: "a", Type: "deb", Licenses: []string{"GPLv2+", "MIT"}},
	sbom.Package{Name: "b", Type: "npm", Licenses: []string{"GPL-2.0 AND MIT"}},
	sbom.Package{Name: "c", Type: "deb"},
	sbom.Package{Name: "d", Type: "gem"},
	sbom.Package{Name: "e", Type: "npm", Licenses: []string{"MIT"}, Owned: true},
)

func TestLicenseExactMatch(t *testing.T) {
	t.Parallel()
	rule := func(licenses string) []string { return []string{"licenses", licenses} }
	testTrigger(t, "licenses", "blacklist_exact_match", []gateTest{
		{"once for all", rule("MIT,GPLv2+"), licensed,
			[]string{"LICFULLMATCH Packages are installed that have blacklisted licenses: a(GPLv2+), a(MIT), b(MIT)"}},
		{"word of an expression", rule("GPL-2.0"), licensed, []string{"LICFULLMATCH Packages are installed that have blacklisted licenses: b(GPL-2.0)"}},
		{"part of a name", rule("GPL"), licensed, nil},
		{"another case", rule("mit"), licensed, nil},
		{"none of a distribution package", rule("Unknown"), licensed, []string{"LICFULLMATCH Packages are installed that have blacklisted licenses: c(Unknown)"}},
		{"none of a language package", rule("N/A"), licensed, []string{"LICFULLMATCH Packages are installed that have blacklisted licenses: d(N/A)"}},
	})
}

func TestLicensePartialMatch(t *testing.T) {
	t.Parallel()
	testTrigger(t, "licenses", "blacklist_partial_match", []gateTest{
		{"part of a name", []string{"licenses", "GPL"}, licensed,
			[]string{"LICSUBMATCH Packages are installed that have blacklisted licenses: a(GPLv2+), b(GPL-2.0)"}},
		{"once per text", []string{"licenses", "GPL, v2"}, licensed,
			[]string{"LICSUBMATCH Packages are installed that have blacklisted licenses: a(GPLv2+), a(GPLv2+), b(GPL-2.0)"}},
		{"nothing", []string{"licenses", "BSD"}, licensed, nil},
	})
}
