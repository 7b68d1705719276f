package vuln

import (
	"cmp"
	"slices"
	"strings"
)

// Change is the difference between two lists of findings, sorted by vulnerability, then by
// package.
type Change struct {
	Added   []Finding
	Removed []Finding
	Updated []Update
}

// Update is a vulnerability that is still there, with changes.
type Update struct {
	Previous Finding
	Current  Finding
	Aspects  []Aspect
}

// Aspect is a property of a vulnerability whose change is reported.
type Aspect string

// The aspects.
const (
	// AspectName is the name: another record reports the vulnerability, as when an
	// advisory is withdrawn and another replaces it, or its CVE is published.
	AspectName      Aspect = "name"
	AspectSeverity  Aspect = "severity"
	AspectFix       Aspect = "fix"
	AspectExploited Aspect = "known_exploited"
	AspectEPSS      Aspect = "epss"     // the probability of exploitation crossed a threshold
	AspectAccepted  Aspect = "accepted" // its risk is accepted now, or no longer
)

// Empty reports whether nothing changed.
func (c Change) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Updated) == 0 }

// Diff compares two lists of findings. Their order does not matter, and several
// reports of one vulnerability of one package count once, by the best authority.
func Diff(previous, current []Finding) Change { return DiffAt(previous, current) }

// DiffAt also reports that the probability of exploitation crossed one of the thresholds in
// either direction; nothing crosses 0.
func DiffAt(previous, current []Finding, thresholds ...float64) Change {
	before, after := merge(previous), merge(current)
	gone, fresh, kept := align(before, after)
	change := Change{Added: fresh, Removed: gone}
	for _, pair := range kept {
		if pair.Aspects = pair.aspects(thresholds); len(pair.Aspects) > 0 {
			change.Updated = append(change.Updated, pair)
		}
	}
	slices.SortFunc(change.Updated, func(a, b Update) int { return compareFindings(a.Current, b.Current) })
	return change
}

func (u Update) aspects(thresholds []float64) (differ []Aspect) {
	before, after := u.Previous, u.Current
	for _, each := range []struct {
		aspect  Aspect
		differs bool
	}{
		{AspectName, before.ID != after.ID || before.Key() != after.Key() || !slices.Equal(before.Records, after.Records)},
		{AspectSeverity, before.Severity != after.Severity},
		{AspectFix, before.Fix.State != after.Fix.State || !slices.Equal(before.Fix.sorted().Versions, after.Fix.sorted().Versions)},
		{AspectExploited, before.KnownExploited != after.KnownExploited || before.Exploitation.inRansomware() != after.Exploitation.inRansomware()},
		{AspectEPSS, u.Crosses(thresholds)},
		{AspectAccepted, (before.Accepted == nil) != (after.Accepted == nil)},
	} {
		if each.differs {
			differ = append(differ, each.aspect)
		}
	}
	return differ
}

// Merge returns one finding for each identity, that of the best authority,
// sorted by key, then by package.
func Merge(findings []Finding) []Finding {
	return sortedFindings(merge(findings))
}

// Findings are the findings of matches.
func Findings(matches []Match) []Finding {
	findings := make([]Finding, len(matches))
	for i, m := range matches {
		findings[i] = m.Finding
	}
	return findings
}

func merge(findings []Finding) map[Identity]Finding {
	merged := make(map[Identity]Finding, len(findings))
	records := make(map[Identity][]string, len(findings))
	for _, f := range findings {
		id := f.Identity()
		records[id] = append(append(records[id], f.ID), f.Records...)
		if other, ok := merged[id]; !ok || f.outranks(other) {
			merged[id] = f
		}
	}
	for id, f := range merged {
		slices.Sort(records[id])
		f.Records = slices.Compact(records[id])
		merged[id] = f
	}
	return merged
}

// outranks decides between two reports of one vulnerability. After authority, it only
// matters that the choice does not depend on their order.
func (f Finding) outranks(other Finding) bool {
	return cmp.Or(
		cmp.Compare(f.Authority(), other.Authority()),
		cmp.Compare(f.Severity.Rank(), other.Severity.Rank()),
		cmp.Compare(other.Namespace, f.Namespace),
		cmp.Compare(other.ID, f.ID),
		cmp.Compare(other.ContentHash(), f.ContentHash()),
	) > 0
}

func align(before, after map[Identity]Finding) (gone, fresh []Finding, kept []Update) {
	for id, current := range after {
		if previous, ok := before[id]; ok {
			kept = append(kept, Update{Previous: previous, Current: current})
		} else {
			fresh = append(fresh, current)
		}
	}
	for id, previous := range before {
		if _, ok := after[id]; !ok {
			gone = append(gone, previous)
		}
	}
	slices.SortFunc(gone, compareFindings) // so that pairing does not depend on order
	slices.SortFunc(fresh, compareFindings)
	return pairRenamed(gone, fresh, kept)
}

// pairRenamed pairs vulnerabilities whose key changed, as that of a GHSA when its CVE is
// published.
func pairRenamed(gone, fresh []Finding, kept []Update) (removed, added []Finding, _ []Update) {
	left := named(gone)
	paired := make([]bool, len(gone))
	for _, current := range fresh {
		at := left.first(current, paired)
		if at < 0 {
			added = append(added, current)
			continue
		}
		paired[at] = true
		kept = append(kept, Update{Previous: gone[at], Current: current})
	}
	for at, f := range gone {
		if !paired[at] {
			removed = append(removed, f)
		}
	}
	return removed, added, kept
}

// byName has the positions of findings by package and name of the vulnerability,
// ascending.
type byName map[packageName][]int

type packageName struct {
	of   Identity // the package
	name string
}

func named(findings []Finding) byName {
	index := byName{}
	for at, f := range findings {
		for _, name := range f.Names() {
			of := packageName{f.Package.identity(), strings.ToLower(name)}
			index[of] = append(index[of], at)
		}
	}
	return index
}

// first is the first position of a finding about the same vulnerability that is not taken;
// negative for none.
func (b byName) first(f Finding, taken []bool) int {
	first := -1
	for _, name := range f.Names() {
		for _, at := range b[packageName{f.Package.identity(), strings.ToLower(name)}] {
			if !taken[at] && (first < 0 || at < first) {
				first = at
			}
		}
	}
	return first
}

// identity is that of the package alone.
func (p Package) identity() Identity {
	return Identity{Name: p.Name, Version: p.Version, Type: p.Type}
}

func sortedFindings(byIdentity map[Identity]Finding) []Finding {
	findings := make([]Finding, 0, len(byIdentity))
	for _, f := range byIdentity {
		findings = append(findings, f)
	}
	slices.SortFunc(findings, compareFindings)
	return findings
}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Key(), b.Key()),
		cmp.Compare(a.Package.Name, b.Package.Name),
		cmp.Compare(a.Package.Version, b.Package.Version),
		cmp.Compare(a.Package.Type, b.Package.Type),
	)
}
