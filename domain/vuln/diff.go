package vuln

import (
	"cmp"
	"slices"
)

// Change is how one list of findings differs from another, sorted by flaw, then
// by package.
type Change struct {
	Added   []Finding
	Removed []Finding
	Updated []Update
}

// Update is a vulnerability that stayed but about which something is new.
type Update struct {
	Previous Finding
	Current  Finding
}

// Empty tells whether there is no news.
func (c Change) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Updated) == 0 }

// Diff compares two lists of findings. Their order does not matter; several
// reports of one flaw of one package count once, by the best authority; what
// Hash does not cover does not show.
func Diff(previous, current []Finding) Change { return DiffAt(previous, current, 0) }

// DiffAt is Diff for those to whom it is news, too, that the probability of
// exploitation has crossed a threshold in either direction; 0 for none.
func DiffAt(previous, current []Finding, threshold float64) Change {
	before, after := merge(previous), merge(current)
	gone, fresh, kept := align(before, after)
	change := Change{Added: fresh, Removed: gone}
	for _, pair := range kept {
		if !pair.Previous.sameNews(pair.Current) || pair.crosses(threshold) {
			change.Updated = append(change.Updated, pair)
		}
	}
	slices.SortFunc(change.Updated, func(a, b Update) int { return compareFindings(a.Current, b.Current) })
	return change
}

// Merge returns one finding for each identity, that of the best authority,
// sorted by flaw, then by package.
func Merge(findings []Finding) []Finding {
	return sortedFindings(merge(findings))
}

// Findings returns the findings of matches.
func Findings(matches []Match) []Finding {
	findings := make([]Finding, len(matches))
	for i, m := range matches {
		findings[i] = m.Finding
	}
	return findings
}

func merge(findings []Finding) map[Identity]Finding {
	merged := make(map[Identity]Finding, len(findings))
	for _, f := range findings {
		id := f.Identity()
		if known, ok := merged[id]; !ok || f.outranks(known) {
			merged[id] = f
		}
	}
	return merged
}

// outranks decides between two reports of one flaw. After authority it only
// matters that the choice does not depend on order.
func (f Finding) outranks(other Finding) bool {
	return cmp.Or(
		cmp.Compare(f.authority(), other.authority()),
		cmp.Compare(f.Severity.Rank(), other.Severity.Rank()),
		cmp.Compare(other.Namespace, f.Namespace),
		cmp.Compare(other.ID, f.ID),
		cmp.Compare(other.ContentHash(), f.ContentHash()),
	) > 0
}

// align pairs what is in both lists.
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

// pairRenamed finds flaws that only got another name, as a GHSA does when its
// CVE becomes known.
func pairRenamed(gone, fresh []Finding, kept []Update) ([]Finding, []Finding, []Update) {
	lost := map[Identity][]Finding{} // by package
	for _, f := range gone {
		lost[f.Package.identity()] = append(lost[f.Package.identity()], f)
	}
	var added, removed []Finding
	for _, current := range fresh {
		candidates := lost[current.Package.identity()]
		at := slices.IndexFunc(candidates, current.SameFlaw)
		if at < 0 {
			added = append(added, current)
			continue
		}
		kept = append(kept, Update{Previous: candidates[at], Current: current})
		lost[current.Package.identity()] = slices.Delete(candidates, at, at+1)
	}
	for _, left := range lost {
		removed = append(removed, left...)
	}
	slices.SortFunc(removed, compareFindings)
	return removed, added, kept
}

// identity is that of the package alone, of no flaw.
func (p Package) identity() Identity {
	return Identity{Name: p.Name, Version: p.Version, Type: p.Type}
}

// sameNews compares what Hash covers, without the name of the flaw, which may
// change by itself.
func (f Finding) sameNews(other Finding) bool {
	return f.Severity == other.Severity && f.KnownExploited == other.KnownExploited &&
		f.Fix.State == other.Fix.State &&
		slices.Equal(f.Fix.sorted().Versions, other.Fix.sorted().Versions)
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
		cmp.Compare(a.Flaw(), b.Flaw()),
		cmp.Compare(a.Package.Name, b.Package.Name),
		cmp.Compare(a.Package.Version, b.Package.Version),
		cmp.Compare(a.Package.Type, b.Package.Type),
	)
}
