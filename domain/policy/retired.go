package policy

import (
	"fmt"
)

// retiredGate is a gate of older releases of Anchore Engine. Bundles that name it are
// accepted; its rules do nothing.
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

// remedy is what to do with a rule or whitelist item of the gate.
func (g *retiredGate) remedy() string {
	if g.successor == "" {
		return "remove it: there is no replacement"
	}
	return fmt.Sprintf("replace it with one of gate %q", g.successor)
}
