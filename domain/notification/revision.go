package notification

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Revision summarizes a change of a tag's list that came with a new analyzer or matcher.
// Revisions are reported together.
type Revision struct {
	Notification string       `json:"notificationId"` // with the details
	Tag          string       `json:"tag"`
	Added        int          `json:"added"`
	Updated      int          `json:"updated"`
	Removed      int          `json:"removed"`
	Matcher      vuln.Matcher `json:"matcher,omitempty"` // now
	Analyzer     string       `json:"analyzer,omitempty"`
	// Before are those that differ from now.
	Before Scanner `json:"previous,omitzero"`
}

// Scanner is the matcher and the analyzer of an image.
type Scanner struct {
	Matcher  vuln.Matcher `json:"matcher,omitempty"`
	Analyzer string       `json:"analyzer,omitempty"`
}

// Revision summarizes the change.
func (c VulnerabilitiesChanged) Revision(notification string) Revision {
	r := Revision{Notification: notification, Tag: c.subject(), Added: len(c.Added), Updated: len(c.Updated), Removed: len(c.Removed),
		Matcher: c.After.Matcher, Analyzer: c.After.Analyzer}
	if c.Before.Matcher != c.After.Matcher {
		r.Before.Matcher = c.Before.Matcher
	}
	if c.Before.Analyzer != c.After.Analyzer {
		r.Before.Analyzer = c.Before.Analyzer
	}
	return r
}

// PendingSummary is a revision that is pending for the next summary of an endpoint.
type PendingSummary struct {
	Endpoint string
	Revision Revision
}

// maxRevisions is how many tags a summary lists; the counts are of all.
const maxRevisions = 1000

// Summarize makes the entry of the event log about revisions, and an id that depends on
// them alone.
func Summarize(revisions []Revision) (id string, entry Logged) {
	revisions = slices.Clone(revisions)
	slices.SortFunc(revisions, func(a, b Revision) int {
		return cmp.Or(strings.Compare(a.Tag, b.Tag), strings.Compare(a.Notification, b.Notification))
	})
	ids := []string{"summary"}
	tags, counts := map[string]bool{}, map[string]int{}
	for _, r := range revisions {
		ids = append(ids, r.Notification, fmt.Sprint(r.Added, r.Updated, r.Removed))
		tags[r.Tag] = true
		counts["added"], counts["updated"], counts["removed"] = counts["added"]+r.Added, counts["updated"]+r.Updated, counts["removed"]+r.Removed
	}
	return ID(ids...), Logged{Event: "system.vulnerabilities.scanner_changed", Level: LevelInfo,
		Message: fmt.Sprintf("The vulnerability lists of %d tag(s) changed with a new version of what analyzes or matches: %d added, %d updated, %d removed",
			len(tags), counts["added"], counts["updated"], counts["removed"]),
		Details:  map[string]any{"tags": len(tags), "counts": counts, "lists": revisions[:min(len(revisions), maxRevisions)]},
		Resource: Resource{ID: "vulnerabilities", Kind: "scanner"}}
}
