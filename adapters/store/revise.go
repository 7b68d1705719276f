package store

import (
	"fmt"
	"slices"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// datedFinding is a finding with its hashes and the times, in microseconds, at
// which the vulnerability and its fix were first seen.
type datedFinding struct {
	vuln.GroupFinding
	hash, content string
	age           age
}

// revision is how the stored findings of one group become those found now.
type revision struct {
	gone  []int64 // ids of rows to delete
	fresh []datedFinding
	news  bool // something differs that a decision about a tag reads
}

// findingKey reports which record about which member a finding is, over all changes
// of what is known about it.
type findingKey struct {
	member                   int
	vulnerability, namespace string
}

func (r findingRow) key() findingKey { return findingKey{r.Member, r.Vulnerability, r.Namespace} }

func keyOf(f vuln.GroupFinding) findingKey {
	return findingKey{f.Member, cleanText(f.ID), cleanText(f.Namespace)}
}

// revise keeps rows whose content is found again. Ages has those of the group, and
// takes what is found now in.
func revise(stored []findingRow, found []vuln.GroupFinding, ages ages, now int64) revision {
	var r revision
	ages.take(found, now)
	left := slices.Clone(stored)
	for _, f := range found {
		d := datedFinding{f, f.Hash(), f.ContentHash(), ages.of(f)}
		at := slices.IndexFunc(left, func(row findingRow) bool {
			return row.key() == keyOf(f) && row.Content == d.content && row.age() == d.age
		})
		if at >= 0 {
			left = slices.Delete(left, at, at+1)
			continue
		}
		r.fresh = append(r.fresh, d)
	}
	for _, row := range left {
		r.gone = append(r.gone, row.ID)
	}
	r.news = differ(left, r.fresh)
	return r
}

// differ compares what decisions read of the rows that go with what they read of
// those that come.
func differ(gone []findingRow, fresh []datedFinding) bool {
	before, after := make([]string, len(gone)), make([]string, len(fresh))
	for i, row := range gone {
		before[i] = fmt.Sprint(row.Hash, row.age())
	}
	for i, f := range fresh {
		after[i] = fmt.Sprint(f.hash, f.age)
	}
	slices.Sort(before)
	slices.Sort(after)
	return !slices.Equal(before, after)
}
