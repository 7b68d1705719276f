package notification

import (
	"slices"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Change is what happened to a finding.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Updated Change = "updated"
)

// LeftOut counts the findings that filters left out of the lists of a body.
type LeftOut struct {
	Added      int `json:"added,omitempty"`
	Updated    int `json:"updated,omitempty"`
	Removed    int `json:"removed,omitempty"`
	NotCovered int `json:"not_covered,omitempty"`
}

func (l LeftOut) total() int { return l.Added + l.Updated + l.Removed + l.NotCovered }

// Keep decides about one finding of a list that changed. An updated one comes as it
// is now, with what it was in before.
type Keep func(f vuln.Finding, change Change, before *vuln.Update) bool

// Selectable is content that has findings.
type Selectable interface {
	Content
	// Select leaves out the findings that are not to be kept and counts them. What it
	// returns is nil where that leaves nothing to notify.
	Select(Keep) Content
}

// Scored leaves out updates of nothing but a score that crosses none of the thresholds: they
// are of no interest to the receiver, and not counted as left out.
func (c VulnerabilitiesChanged) Scored(thresholds []float64) VulnerabilitiesChanged {
	var updated []vuln.Update
	for _, u := range c.Updated {
		if slices.Contains(u.Aspects, vuln.AspectEPSS) && !u.Crosses(thresholds) {
			u.Aspects = slices.DeleteFunc(slices.Clone(u.Aspects), func(a vuln.Aspect) bool { return a == vuln.AspectEPSS })
		}
		if len(u.Aspects) > 0 {
			updated = append(updated, u)
		}
	}
	c.Updated = updated
	return c
}

// Select implements Selectable. A change of the coverage is notified whatever is kept.
func (c VulnerabilitiesChanged) Select(keep Keep) Content {
	c.Added = selected(c.Added, Added, keep, &c.LeftOut.Added)
	c.Removed = selected(c.Removed, Removed, keep, &c.LeftOut.Removed)
	c.NotCovered = selected(c.NotCovered, Removed, keep, &c.LeftOut.NotCovered)
	var updated []vuln.Update
	for _, u := range c.Updated {
		if keep(u.Current, Updated, &u) {
			updated = append(updated, u)
		} else {
			c.LeftOut.Updated++
		}
	}
	c.Updated = updated
	if c.Empty() {
		return nil
	}
	return c
}

// Select implements Selectable: the image is analyzed whatever is kept of what
// changed inside.
func (c ImageAnalyzed) Select(keep Keep) Content {
	c.Difference = c.Difference.selected(keep)
	return c
}

// Select implements Selectable: the tag moved whatever is kept of what changed inside.
func (c TagMoved) Select(keep Keep) Content {
	c.Difference = c.Difference.selected(keep)
	return c
}

func (d *ImageDifference) selected(keep Keep) *ImageDifference {
	if d == nil {
		return nil
	}
	cut := *d
	cut.Introduced = selected(d.Introduced, Added, keep, &cut.LeftOut.Added)
	cut.Fixed = selected(d.Fixed, Removed, keep, &cut.LeftOut.Removed)
	cut.NotCovered = selected(d.NotCovered, Removed, keep, &cut.LeftOut.NotCovered)
	return &cut
}

func selected(findings []vuln.Finding, change Change, keep Keep, left *int) (kept []vuln.Finding) {
	for _, f := range findings {
		if keep(f, change, nil) {
			kept = append(kept, f)
		} else {
			*left++
		}
	}
	return kept
}
