package store

import (
	"slices"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// datedFinding is a finding with its hashes and the times, in microseconds, at
// which it and its fix were first seen.
type datedFinding struct {
	vuln.GroupFinding
	hash, content           string
	firstSeen, fixFirstSeen int64
}

// revision is how the stored findings of one group become those found now.
type revision struct {
	gone  []int64 // ids of rows to delete
	fresh []datedFinding
	news  bool // more than texts differ
}

// findingKey tells which vulnerability of which member a finding is, over all
// changes of what is known about it.
type findingKey struct {
	member                   int
	vulnerability, namespace string
}

func (r findingRow) key() findingKey { return findingKey{r.Member, r.Vulnerability, r.Namespace} }

func keyOf(f vuln.GroupFinding) findingKey {
	return findingKey{f.Member, cleanText(f.ID), cleanText(f.Namespace)}
}

// revise keeps rows whose content is found again, and hands the times of the
// others to the findings that take their place.
func revise(stored []findingRow, found []vuln.GroupFinding, now int64) revision {
	var r revision
	left := slices.Clone(stored)
	for _, f := range found {
		content := f.ContentHash()
		at := slices.IndexFunc(left, func(row findingRow) bool { return row.key() == keyOf(f) && row.Content == content })
		if at >= 0 {
			left = slices.Delete(left, at, at+1)
			continue
		}
		r.fresh = append(r.fresh, dated(f, content, stored, now))
	}
	for _, row := range left {
		r.gone = append(r.gone, row.ID)
	}
	r.news = differ(left, r.fresh)
	return r
}

// dated looks for the same vulnerability among what was stored.
func dated(f vuln.GroupFinding, content string, stored []findingRow, now int64) datedFinding {
	d := datedFinding{GroupFinding: f, hash: f.Hash(), content: content, firstSeen: now}
	fixed := f.Fix.State == vuln.FixKnown
	if fixed {
		d.fixFirstSeen = now
	}
	for _, row := range stored {
		if row.key() != keyOf(f) {
			continue
		}
		d.firstSeen = min(d.firstSeen, row.FirstSeen)
		if fixed && row.FixFirstSeen > 0 {
			d.fixFirstSeen = min(d.fixFirstSeen, row.FixFirstSeen)
		}
	}
	return d
}

// differ compares what is news about the rows that go with what is news about
// those that come.
func differ(gone []findingRow, fresh []datedFinding) bool {
	before, after := make([]string, len(gone)), make([]string, len(fresh))
	for i, row := range gone {
		before[i] = row.Hash
	}
	for i, f := range fresh {
		after[i] = f.hash
	}
	slices.Sort(before)
	slices.Sort(after)
	return !slices.Equal(before, after)
}
