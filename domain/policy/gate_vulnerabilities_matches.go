package policy

import (
	"fmt"
	"strings"

	"github.com/tagwatch/tagwatch/domain/fault"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// matchesOf are the vulnerabilities that the rules see, in the order of the
// subject. An image that was not matched has no such list: a rule about it can
// neither fire nor pass.
func matchesOf(c *check) ([]*vuln.Match, error) {
	if !c.subject.Matched {
		return nil, fmt.Errorf("not matched with vulnerability data, so the image's vulnerabilities are not known: %w", fault.Unavailable)
	}
	return shared(c, "vulnerabilities matches", func() []*vuln.Match { return distinctMatches(visibleMatches(c.subject)) }), nil
}

func visibleMatches(s *Subject) []*vuln.Match {
	hidden := map[string]bool{}
	for i := range s.Inventory.Packages {
		p := &s.Inventory.Packages[i]
		hidden[p.ID] = !visible(p)
	}
	var matches []*vuln.Match
	for i := range s.Matches {
		m := &s.Matches[i]
		if _, known := packageTypes[m.Package.Type]; known && !hidden[m.Artifact] {
			matches = append(matches, m)
		}
	}
	return matches
}

// flaw is one vulnerability of one installed package, whoever recorded it.
type flaw struct {
	id, name, version, kind string
	location                string // "" for distribution packages: they are where the package database is
}

// distinctMatches keeps of several records about the same flaw the best one. A
// record about several flaws stays if it is the best one about any of them.
func distinctMatches(matches []*vuln.Match) []*vuln.Match {
	best := map[flaw]*vuln.Match{}
	for _, m := range matches {
		for _, f := range flawsOf(m) {
			if known := best[f]; known == nil || outranks(m, known) {
				best[f] = m
			}
		}
	}
	kept := map[*vuln.Match]bool{}
	for _, m := range best {
		kept[m] = true
	}
	var distinct []*vuln.Match
	for _, m := range matches {
		if kept[m] {
			distinct = append(distinct, m)
		}
	}
	return distinct
}

// flawsOf names the flaws of a record by their CVEs, or by the record's own id
// if it has none.
func flawsOf(m *vuln.Match) []flaw {
	f := flaw{name: m.Package.Name, version: m.Package.Version, kind: m.Package.Type}
	if !osPackage(m.Package.Type) {
		f.location = m.Location
	}
	var flaws []flaw
	for _, id := range cvesOf(m) {
		f.id = id
		flaws = append(flaws, f)
	}
	return flaws
}

func cvesOf(m *vuln.Match) []string {
	var ids []string
	if isCVE(m.ID) {
		ids = append(ids, m.ID)
	}
	for _, related := range m.Related {
		if isCVE(related.ID) {
			ids = append(ids, related.ID)
		}
	}
	if len(ids) == 0 {
		return []string{m.ID}
	}
	return ids
}

func isCVE(id string) bool { return strings.HasPrefix(id, "CVE-") }

// outranks prefers the record of who knows the package best, and of records of
// one kind the graver.
func outranks(a, b *vuln.Match) bool {
	rankA, rankB := groupRank(a.Namespace), groupRank(b.Namespace)
	return rankA > rankB || rankA == rankB && a.Severity.Rank() > b.Severity.Rank()
}

// groupRank orders sources: NVD guesses from product names, GitHub knows the
// package, a distribution knows its own build of it.
func groupRank(namespace string) int {
	switch {
	case isNVD(namespace):
		return 0
	case strings.HasPrefix(namespace, "github"):
		return 1
	}
	return 2
}

func isNVD(namespace string) bool { return strings.Contains(namespace, "nvd") }

func wontFix(m *vuln.Match) bool { return m.Fix.State == vuln.FixWont }
