package acceptance

import (
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// End is what ended the acceptance of a finding.
type End string

// The ends.
const (
	EndTime    End = "time"    // its second came
	EndFixed   End = "fixed"   // there is a fix
	EndRevoked End = "revoked" // a person revoked it
	EndData    End = "data"    // the data no longer knows the finding by an id that it names
)

// Change is an acceptance that begins or ceases to cover a finding of a tag.
type Change struct {
	vuln.Accepted
	Identity      vuln.Identity // of the finding
	Vulnerability string
	Package       vuln.Package
	// End is why it no longer covers it; "" for one that begins to.
	End End
	// ByPerson reports that somebody accepted or revoked; else time or the data did it.
	ByPerson bool
}

// Changes are those of findings that are in the list of a tag before and now, by all
// acceptances that are for the tag now.
func Changes(updates []vuln.Update, all []Acceptance, now time.Time) (changes []Change) {
	for _, u := range updates {
		before, current := u.Previous.Accepted, u.Current.Accepted
		c := Change{Identity: u.Current.Identity(), Vulnerability: u.Current.ID, Package: u.Current.Package}
		switch {
		case (before == nil) == (current == nil):
			continue
		case current != nil:
			c.Accepted = *current
			// Else the data brought it: the fix is withdrawn, or the finding has another id.
			a, found := byID(all, current.ID)
			c.ByPerson = !found || a.Concerns(u.Previous) && !(a.UntilFixed() && u.Previous.HasFix())
		default:
			c.Accepted, c.End = *before, endOf(*before, u.Current, all, now)
			c.ByPerson = c.End == EndRevoked
		}
		changes = append(changes, c)
	}
	return changes
}

func endOf(was vuln.Accepted, f vuln.Finding, all []Acceptance, now time.Time) End {
	_, stands := byID(all, was.ID)
	switch {
	case !was.Until.IsZero() && !now.Before(was.Until):
		return EndTime
	case !stands:
		return EndRevoked
	case was.Until.IsZero() && f.HasFix():
		return EndFixed
	}
	return EndData
}

func byID(all []Acceptance, id int64) (Acceptance, bool) {
	at := slices.IndexFunc(all, func(a Acceptance) bool { return a.ID == id })
	if at < 0 {
		return Acceptance{}, false
	}
	return all[at], true
}
