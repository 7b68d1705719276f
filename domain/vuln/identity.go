package vuln

import (
	"slices"
	"strings"
)

// Identity tells which vulnerability of which package a finding is about,
// however many records, providers and places report it.
type Identity struct {
	Flaw    string // the CVE if there is exactly one, else the record's own id
	Name    string
	Version string
	Type    string
}

// Identity returns the finding's identity.
func (f Finding) Identity() Identity {
	return Identity{Flaw: f.Flaw(), Name: f.Package.Name, Version: f.Package.Version, Type: f.Package.Type}
}

// Flaw names the flaw that the finding's record describes. A GHSA that stands
// for one CVE is that CVE. An advisory that covers several CVEs is none of them
// and keeps its own name.
func (f Finding) Flaw() string {
	if isCVE(f.ID) {
		return f.ID
	}
	if cves := f.cves(); len(cves) == 1 {
		return cves[0]
	}
	return f.ID
}

// Refs returns the lower-case ids of the records that the finding was made from,
// its own and the related ones, sorted. When one of them changes, so may the
// finding.
func (f Finding) Refs() []string {
	refs := []string{strings.ToLower(f.ID)}
	for _, r := range f.Related {
		refs = append(refs, strings.ToLower(r.ID))
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// SameFlaw tells whether two findings of one package are about one flaw, even
// if only one of their records already knows its CVE.
func (f Finding) SameFlaw(other Finding) bool {
	for _, alias := range f.aliases() {
		if slices.Contains(other.aliases(), alias) {
			return true
		}
	}
	return false
}

// aliases are the names of the flaw, without the CVEs of an advisory that covers
// several flaws.
func (f Finding) aliases() []string {
	names := []string{f.ID, f.Flaw()}
	if len(f.cves()) > 1 {
		return names
	}
	for _, r := range f.Related {
		if isGHSA(r.ID) {
			names = append(names, r.ID)
		}
	}
	return names
}

// cves returns the distinct CVEs of the finding's record.
func (f Finding) cves() []string {
	var ids []string
	if isCVE(f.ID) {
		ids = append(ids, f.ID)
	}
	for _, r := range f.Related {
		if isCVE(r.ID) && !slices.Contains(ids, r.ID) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func isCVE(id string) bool { return hasPrefixFold(id, "CVE-") }

func isGHSA(id string) bool { return hasPrefixFold(id, "GHSA-") }

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// authority ranks who says it: a distribution knows its own packages best, an
// advisory database comes next, and NVD only guesses from names.
func (f Finding) authority() int {
	switch {
	case strings.Contains(f.Namespace, ":distro:"):
		return 2
	case strings.HasPrefix(f.Namespace, "nvd:"):
		return 0
	default:
		return 1
	}
}
