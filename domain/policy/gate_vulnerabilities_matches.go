package policy

import (
	"fmt"

	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// matchesOf are the vulnerabilities that the rules see, in the order of the
// input. An image that was not matched has no such list: a rule about it can
// neither fire nor pass.
func matchesOf(c *check) ([]*vuln.Match, error) {
	if !c.input.Matched {
		return nil, fmt.Errorf("not matched with vulnerability data, so the image's vulnerabilities are not known: %w", errkind.Unavailable)
	}
	return shared(c, "vulnerabilities matches", func() []*vuln.Match { return distinctMatches(visibleMatches(c.input)) }), nil
}

func visibleMatches(s *Input) []*vuln.Match {
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

type place struct {
	key, name, version, kind string
	location                 string // "" for distribution packages: they are where the package database is
}

// distinctMatches keeps of several records about the same vulnerability the best
// one, which then knows the ids of the others. A record about several
// vulnerabilities stays if it is the best one about any of them.
func distinctMatches(matches []*vuln.Match) []*vuln.Match {
	best := map[place]*vuln.Match{}
	for _, m := range matches {
		for _, p := range placesOf(m) {
			if known := best[p]; known == nil || outranks(m, known) {
				best[p] = m
			}
		}
	}
	kept, others := map[*vuln.Match]bool{}, map[*vuln.Match][]string{}
	for _, m := range best {
		kept[m] = true
	}
	var distinct []*vuln.Match
	for _, m := range matches {
		if kept[m] {
			distinct = append(distinct, m)
			continue
		}
		for _, p := range placesOf(m) {
			others[best[p]] = append(others[best[p]], m.ID)
		}
	}
	for i, m := range distinct {
		if len(others[m]) > 0 {
			merged := *m
			merged.Records = others[m]
			distinct[i] = &merged
		}
	}
	return distinct
}

func placesOf(m *vuln.Match) []place {
	p := place{name: m.Package.Name, version: m.Package.Version, kind: m.Package.Type}
	if !IsOSPackage(m.Package.Type) {
		p.location = m.Location
	}
	var places []place
	for _, p.key = range m.Vulnerabilities() {
		places = append(places, p)
	}
	return places
}

// outranks prefers the record of who knows the package best, and of records of
// one kind the more severe.
func outranks(a, b *vuln.Match) bool {
	rankA, rankB := a.Authority(), b.Authority()
	return rankA > rankB || rankA == rankB && a.Severity.Rank() > b.Severity.Rank()
}

func wontFix(m *vuln.Match) bool { return m.Fix.State == vuln.FixWont }
