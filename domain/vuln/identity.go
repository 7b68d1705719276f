package vuln

import (
	"slices"
	"strings"
)

// Identity is one vulnerability of one package, however many records, providers and places
// report it.
type Identity struct {
	Key     string // of the vulnerability: Finding.Key
	Name    string
	Version string
	Type    string
}

// Identity is the finding's.
func (f Finding) Identity() Identity {
	return Identity{Key: f.Key(), Name: f.Package.Name, Version: f.Package.Version, Type: f.Package.Type}
}

// Key is the same whichever record reports the vulnerability: its CVE if there is exactly
// one, else its GHSA if there is exactly one, else the record's own id. An advisory about
// several vulnerabilities keeps its own id.
func (f Finding) Key() string {
	if isCVE(f.ID) {
		return strings.ToUpper(f.ID)
	}
	cves, ghsas := f.named(isCVE), f.named(isGHSA)
	switch {
	case len(cves) == 1:
		return cves[0]
	case len(cves) == 0 && len(ghsas) == 1:
		return ghsas[0]
	default:
		return f.ID
	}
}

// Several reports whether the record is an advisory about several vulnerabilities: its
// other ids are then not names of one.
func (f Finding) Several() bool {
	cves := f.named(isCVE)
	return !isCVE(f.ID) && (len(cves) > 1 || len(cves) == 0 && len(f.named(isGHSA)) > 1)
}

// Refs are the lower-case ids of the finding's own and related records, sorted. When one
// of them changes, so may the finding.
func (f Finding) Refs() []string {
	refs := f.ids()
	for i, id := range refs {
		refs[i] = strings.ToLower(id)
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// Named reports whether an id, in any case, is a name of the vulnerability or of
// one that its advisory covers.
func (f Finding) Named(id string) bool {
	return slices.ContainsFunc(f.ids(), func(name string) bool { return strings.EqualFold(name, id) })
}

// Aliases are the other ids of the vulnerability, sorted; for an advisory, also those of
// the vulnerabilities that it covers.
func (f Finding) Aliases() []string {
	aliases := slices.DeleteFunc(f.ids(), func(id string) bool { return id == f.ID })
	slices.Sort(aliases)
	return slices.Compact(aliases)
}

// Vulnerabilities are the keys of the record's vulnerabilities: its CVEs, or the finding's
// own key.
func (f Finding) Vulnerabilities() []string {
	if cves := f.named(isCVE); len(cves) > 0 {
		return cves
	}
	return []string{f.Key()}
}

// Names are the ids of the vulnerability alone, its record's first. Other CVEs, and those
// that an advisory covers, are vulnerabilities of their own.
func (f Finding) Names() []string {
	names := []string{f.ID}
	if f.Several() {
		return names
	}
	key := f.Key()
	for _, id := range f.ids()[1:] {
		if id = usualCase(id); !slices.Contains(names, id) && (!isCVE(id) || id == key) {
			names = append(names, id)
		}
	}
	return names
}

// ids are those of the finding's own record, of the related ones and of those that Merge
// left out, as written.
func (f Finding) ids() []string {
	ids := []string{f.ID}
	for _, r := range f.Related {
		ids = append(ids, r.ID)
	}
	return append(ids, f.Records...)
}

// named are the distinct ids of a kind, in their usual case.
func (f Finding) named(kind func(string) bool) []string {
	var ids []string
	for _, id := range f.ids() {
		if usual := usualCase(id); kind(id) && !slices.Contains(ids, usual) {
			ids = append(ids, usual)
		}
	}
	return ids
}

func usualCase(id string) string {
	switch {
	case isCVE(id):
		return strings.ToUpper(id)
	case isGHSA(id):
		return "GHSA-" + strings.ToLower(id[len("GHSA-"):])
	}
	return id
}

func isCVE(id string) bool { return hasPrefixFold(id, "CVE-") }

func isGHSA(id string) bool { return hasPrefixFold(id, "GHSA-") }

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// Authority ranks the source: a distribution knows its own packages best, then advisory
// databases; NVD only guesses from names.
func (f Finding) Authority() int {
	switch {
	case strings.Contains(f.Namespace, ":distro:"):
		return 2
	case isNVD(f.Namespace):
		return 0
	default:
		return 1
	}
}

// isNVD reports whether records of a namespace are NVD's.
func isNVD(namespace string) bool { return strings.HasPrefix(namespace, "nvd") }
