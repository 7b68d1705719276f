package notification

import "github.com/tagwatch/tagwatch/domain/vuln"

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
type Keep func(f vuln.Finding, change Change, before *vuln.Update) (bool, error)

// Selectable is content that has findings.
type Selectable interface {
	Content
	// Select leaves out the findings that are not to be kept and counts them. What it
	// returns is nil where that leaves nothing to notify.
	Select(Keep) (Content, error)
}

// Select implements Selectable. A change of the coverage is notified whatever is kept.
func (c VulnerabilitiesChanged) Select(keep Keep) (Content, error) {
	var err error
	c.Added = selected(c.Added, Added, keep, &c.LeftOut.Added, &err)
	c.Removed = selected(c.Removed, Removed, keep, &c.LeftOut.Removed, &err)
	c.NotCovered = selected(c.NotCovered, Removed, keep, &c.LeftOut.NotCovered, &err)
	var updated []vuln.Update
	for _, u := range c.Updated {
		kept, failed := keep(u.Current, Updated, &u)
		if failed != nil {
			err = failed
		}
		if kept {
			updated = append(updated, u)
		} else {
			c.LeftOut.Updated++
		}
	}
	c.Updated = updated
	if c.Empty() {
		return nil, err
	}
	return c, err
}

// Select implements Selectable: the image is analyzed whatever is kept of what
// changed inside.
func (c ImageAnalyzed) Select(keep Keep) (Content, error) {
	var err error
	c.Difference, err = c.Difference.selected(keep)
	return c, err
}

// Select implements Selectable: the tag moved whatever is kept of what changed inside.
func (c TagMoved) Select(keep Keep) (Content, error) {
	var err error
	c.Difference, err = c.Difference.selected(keep)
	return c, err
}

func (d *ImageDifference) selected(keep Keep) (*ImageDifference, error) {
	if d == nil {
		return nil, nil
	}
	cut := *d
	var err error
	cut.Introduced = selected(d.Introduced, Added, keep, &cut.LeftOut.Added, &err)
	cut.Fixed = selected(d.Fixed, Removed, keep, &cut.LeftOut.Removed, &err)
	cut.NotCovered = selected(d.NotCovered, Removed, keep, &cut.LeftOut.NotCovered, &err)
	return &cut, err
}

func selected(findings []vuln.Finding, change Change, keep Keep, left *int, err *error) (kept []vuln.Finding) {
	for _, f := range findings {
		keeps, failed := keep(f, change, nil)
		if failed != nil {
			*err = failed
		}
		if keeps {
			kept = append(kept, f)
		} else {
			*left++
		}
	}
	return kept
}
