package policy

import (
	"fmt"
	"slices"
)

// retiredGate is a gate of older releases of Anchore Engine. Bundles that still
// name it are accepted; its rules do nothing.
type retiredGate struct {
	name      string
	successor string // the gate to use instead; "" for none
	triggers  []string
}

var retiredGates = []retiredGate{
	{"anchoresec", "vulnerabilities", []string{"vulnlow", "vulnmedium", "vulnhigh", "vulncritical", "vulnunknown", "feedoutofdate", "unsupporteddistro"}},
	{"dockerfilecheck", "dockerfile", []string{"directivecheck", "effectiveuser", "expose", "nofrom", "fromscratch", "notag", "sudo", "volumepresent", "nohealthcheck", "nodockerfile"}},
	{"filecheck", "files", []string{"contentmatch", "filenamematch", "suidsgidcheck"}},
	{"fileparse_passwd", "passwd_file", []string{"filenotstored", "usernamematch", "useridmatch", "groupidmatch", "shellmatch", "pentrymatch"}},
	{"gemcheck", "ruby_gems", []string{"gemnotlatest", "gemnotofficial", "gembadversion", "gempkgfullmatch", "gempkgnamematch", "gemnofeed"}},
	{"imagecheck", "", []string{"baseoutofdate"}},
	{"licblacklist", "licenses", []string{"licfullmatch", "licsubmatch"}},
	{"metadatacheck", "metadata", []string{"attributecheck"}},
	{"npmcheck", "npms", []string{"npmnotlatest", "npmnotofficial", "npmbadversion", "npmpkgfullmatch", "npmpkgnamematch", "npmnofeed"}},
	{"pkgblacklist", "packages", []string{"pkgfullmatch", "pkgnamematch"}},
	{"pkgcheck", "packages", []string{"pkgnotpresent", "verify"}},
	{"pkgdiff", "", []string{"pkgversiondiff", "pkgadd", "pkgdel", "pkgdiff"}},
	{"secretcheck", "secret_scans", []string{"contentmatch", "filenamematch"}},
	{"suiddiff", "", []string{"suiddiff", "suidfileadd", "suidfiledel", "suidmodediff"}},
}

// findRetired looks a gate up by its lower-case name; nil for an unknown one.
func findRetired(name string) *retiredGate {
	i := slices.IndexFunc(retiredGates, func(g retiredGate) bool { return g.name == name })
	if i < 0 {
		return nil
	}
	return &retiredGates[i]
}

// remedy reports what to do with a rule or whitelist item of the gate.
func (g *retiredGate) remedy() string {
	if g.successor == "" {
		return "remove it: nothing takes its place"
	}
	return fmt.Sprintf("replace it with one of gate %q", g.successor)
}
