package acceptance

import (
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// End is what ended the acceptance of a finding.
type End string

// The ends.
const (
	EndTime    End = "time"    // its second came
	EndFixed   End = "fixed"   // there is a fix
	EndRevoked End = "revoked" // a person revoked it, or narrowed what it covers
)

// Change is an acceptance that begins or ceases to cover a finding of a tag.
type Change struct {
	vuln.Accepted
	Vulnerability string
	Package       vuln.Package
	// End is why it no longer covers it; "" for one that begins to.
	End End
	// ByPerson reports that somebody accepted or revoked; else time or the data did it.
	ByPerson bool
}

// Changes are those of findings that are in the list of a tag before and now.
func Changes(updates []vuln.Update, now time.Time) (changes []Change) {
	for _, u := range updates {
		before, current := u.Previous.Accepted, u.Current.Accepted
		c := Change{Vulnerability: u.Current.ID, Package: u.Current.Package}
		switch {
		case (before == nil) == (current == nil):
			continue
		case current != nil:
			c.Accepted = *current
			// Else the fix that the finding had was withdrawn.
			c.ByPerson = !(current.Until.IsZero() && u.Previous.HasFix())
		default:
			c.Accepted, c.End = *before, endOf(*before, u.Current, now)
			c.ByPerson = c.End == EndRevoked
		}
		changes = append(changes, c)
	}
	return changes
}

func endOf(a vuln.Accepted, f vuln.Finding, now time.Time) End {
	switch {
	case a.Until.IsZero() && f.HasFix():
		return EndFixed
	case !a.Until.IsZero() && !now.Before(a.Until):
		return EndTime
	}
	return EndRevoked
}
