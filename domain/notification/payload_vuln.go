package notification

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// VulnerabilitiesChanged reports that the vulnerability list of a tag differs from the
// last recorded one. A receiver that applies all of them has the list: drop Removed and
// the previous entries of Updated, then add Updated and Added.
type VulnerabilitiesChanged struct {
	Target         image.Target
	Before, After  Evidence
	Added, Removed []vuln.Finding
	Updated        []vuln.Update
	// NotCovered were in the list before, and the image may still have them: the data
	// does not cover its distribution.
	NotCovered []vuln.Finding
	// Acceptances are those that begin or cease to cover findings, of Updated and of others.
	Acceptances []acceptance.Change
	// LeftOut counts what the filters of the receiver left out of the lists.
	LeftOut LeftOut
}

// Empty reports that nothing changed, neither the lists nor whether the distribution is
// covered.
func (c VulnerabilitiesChanged) Empty() bool {
	return len(c.Added)+len(c.Removed)+len(c.Updated)+len(c.NotCovered) == 0 &&
		c.Before.Coverage.Missing() == c.After.Coverage.Missing()
}

// Type is vuln_update.
func (VulnerabilitiesChanged) Type() Type { return VulnUpdate }

func (c VulnerabilitiesChanged) subject() string { return c.Target.String() }

func (c VulnerabilitiesChanged) summary() string {
	var parts []string
	for _, part := range []struct {
		verb string
		list []record
	}{{"added", records(c.Added)}, {"removed", records(c.Removed)}, {"updated", updateRecords(c.Updated)}, {"no longer known", records(c.NotCovered)}} {
		if len(part.list) == 0 {
			continue
		}
		count := strconv.Itoa(len(part.list))
		if len(parts) == 0 {
			count = wording.Count(len(part.list), "vulnerability")
		}
		line := count + " " + part.verb
		if part.verb == "added" {
			line += " (" + tally(c.Added) + ")"
		}
		parts = append(parts, line+named(names(part.list)))
	}
	what := ""
	if len(parts) == 0 {
		what = "vulnerabilities: "
	}
	if n := c.LeftOut.total(); n > 0 {
		parts = append(parts, fmt.Sprintf("%d more left out by filters", n))
	}
	if coverage := c.coverage(); coverage != "" {
		parts = append(parts, coverage)
	}
	return what + strings.Join(parts, "; ") + ends(c.acceptances())
}

func (c VulnerabilitiesChanged) coverage() string {
	before, after := c.Before.Coverage, c.After.Coverage
	switch {
	case after.Missing() && !before.Missing():
		return "no longer covered: " + after.Reason
	case after.Missing():
		return c.After.Incomplete
	case before.Missing() && after.State == vuln.Covered:
		return after.Distribution + " is covered now"
	case before.Missing():
		return "nothing is left that was not covered"
	}
	return c.After.Incomplete
}

// names are vulnerabilities with the changes of their id and severity.
func names(list []record) []string {
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.ID
		if r.Previous != nil && r.Previous.ID != r.ID {
			names[i] += fmt.Sprintf(" (was %s)", r.Previous.ID)
		}
		if r.Previous != nil && r.Previous.Severity != r.Severity {
			names[i] += fmt.Sprintf(" (was %s, is %s)", strings.ToLower(string(r.Previous.Severity)), strings.ToLower(string(r.Severity)))
		}
	}
	return names
}

// tally counts findings by severity, the most severe first.
func tally(findings []vuln.Finding) string {
	counts := map[vuln.Severity]int{}
	for _, f := range findings {
		counts[f.Severity]++
	}
	var parts []string
	for _, severity := range slices.Backward(vuln.Severities) {
		if n := counts[severity]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ToLower(string(severity))))
		}
	}
	return strings.Join(parts, ", ")
}

// acceptances are those of the findings in Updated.
func (c VulnerabilitiesChanged) acceptances() (changes []acceptance.Change) {
	updated := map[vuln.Identity]bool{}
	for _, u := range c.Updated {
		updated[u.Current.Identity()] = true
	}
	for _, change := range c.Acceptances {
		if updated[change.Identity] {
			changes = append(changes, change)
		}
	}
	return changes
}

func (c VulnerabilitiesChanged) payload(shared common) any {
	type difference struct {
		Added      []record `json:"added"`
		Updated    []record `json:"updated"`
		Removed    []record `json:"removed"`
		NotCovered []record `json:"not_covered,omitempty"`
		LeftOut    LeftOut  `json:"left_out,omitzero"`
	}
	return struct {
		common
		Difference difference `json:"diff_vulnerability_result"`
		about
		Acceptances acceptanceChanges `json:"acceptances,omitzero"`
		Counts      map[string]int    `json:"counts"`
	}{
		common:      shared,
		Difference:  difference{records(c.Added), updateRecords(c.Updated), records(c.Removed), records(c.NotCovered), c.LeftOut},
		about:       newAbout(c.Target, c.Before, c.After),
		Acceptances: newAcceptanceChanges(c.acceptances()),
		Counts:      c.counts(),
	}
}

func (c VulnerabilitiesChanged) counts() map[string]int {
	counts := map[string]int{"added": len(c.Added), "updated": len(c.Updated), "removed": len(c.Removed)}
	if len(c.NotCovered) > 0 {
		counts["not_covered"] = len(c.NotCovered)
	}
	for _, f := range c.Added {
		counts["added_"+strings.ToLower(string(vuln.ParseSeverity(string(f.Severity))))]++
	}
	for _, u := range c.Updated {
		if slices.Contains(u.Aspects, vuln.AspectName) {
			counts["renamed"]++
		}
	}
	return counts
}

// record is a vulnerability in Anchore's keys, with ours: Key, Records, Aliases,
// Fix_State, Known_Exploited, Known_Exploitation, EPSS, Accepted, changes and previous.
type record struct {
	naming
	VulnerablePackage string        `json:"Vulnerable_Package"`
	URL               string        `json:"URL"`
	PackageName       string        `json:"Package_Name"`
	PackageVersion    string        `json:"Package_Version"`
	PackageType       string        `json:"Package_Type"`
	Feed              string        `json:"Feed"`
	Aliases           []string      `json:"Aliases"`
	rating                          // what can change while the vulnerability stays the same
	Exploitation      *exploitation `json:"Known_Exploitation,omitempty"`
	Changes           []vuln.Aspect `json:"changes,omitempty"`
	Previous          *former       `json:"previous,omitempty"`
}

// exploitation is what CISA's catalog says of a vulnerability that is exploited.
type exploitation struct {
	DateAdded  string `json:"date_added,omitempty"`
	DueDate    string `json:"due_date,omitempty"`
	Ransomware string `json:"ransomware_use,omitempty"`
	// FirstNotified is when the tag's subscribers were first notified of it.
	FirstNotified string `json:"first_notified,omitempty"`
}

func newExploitation(e *vuln.Exploitation) *exploitation {
	if e == nil {
		return nil
	}
	text := func(t time.Time, layout string) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(layout)
	}
	return &exploitation{DateAdded: text(e.Added, time.DateOnly), DueDate: text(e.Due, time.DateOnly), Ransomware: e.Ransomware,
		FirstNotified: text(e.Notified, time.RFC3339)}
}

type naming struct {
	ID        string   `json:"CVE_ID"`
	Key       string   `json:"Key"`
	Records   []string `json:"Records"`
	FeedGroup string   `json:"Feed_Group"`
}

type former struct {
	naming
	rating
}

type rating struct {
	Severity       vuln.Severity  `json:"Severity"`
	FixAvailable   string         `json:"Fix_Available"`
	FixState       vuln.FixState  `json:"Fix_State"`
	KnownExploited bool           `json:"Known_Exploited"`
	EPSS           *float64       `json:"EPSS,omitempty"` // where the subscription names a threshold
	Accepted       *vuln.Accepted `json:"Accepted,omitempty"`
}

func newRecord(f vuln.Finding) record {
	return record{
		naming:            newNaming(f),
		VulnerablePackage: f.Package.Name + "-" + f.Package.Version,
		URL:               f.URL,
		PackageName:       f.Package.Name,
		PackageVersion:    f.Package.Version,
		PackageType:       policy.PackageType(f.Package.Type),
		Feed:              "vulnerabilities",
		Aliases:           orEmpty(f.Aliases()),
		Exploitation:      newExploitation(f.Exploitation),
		rating:            newRating(f),
	}
}

func newNaming(f vuln.Finding) naming {
	n := naming{ID: f.ID, Key: f.Key(), Records: f.Records, FeedGroup: policy.FeedGroup(f.Namespace)}
	if len(n.Records) == 0 {
		n.Records = []string{f.ID}
	}
	return n
}

func newRating(f vuln.Finding) rating {
	r := rating{Severity: vuln.ParseSeverity(string(f.Severity)), FixAvailable: "None", FixState: cmp.Or(f.Fix.State, vuln.FixUnknown), KnownExploited: f.KnownExploited, EPSS: f.EPSS, Accepted: f.Accepted}
	if len(f.Fix.Versions) > 0 {
		r.FixAvailable = strings.Join(f.Fix.Versions, ",")
	}
	return r
}

// records are in an order that does not depend on the input's.
func records(findings []vuln.Finding) []record {
	list := make([]record, len(findings))
	for i, f := range findings {
		list[i] = newRecord(f)
	}
	return bySeverity(list)
}

func updateRecords(updates []vuln.Update) []record {
	list := make([]record, len(updates))
	for i, u := range updates {
		list[i] = newRecord(u.Current)
		list[i].Changes, list[i].Previous = u.Aspects, &former{newNaming(u.Previous), newRating(u.Previous)}
	}
	return bySeverity(list)
}

// bySeverity sorts the most severe to the top, where people look first.
func bySeverity(list []record) []record {
	slices.SortStableFunc(list, func(a, b record) int {
		return cmp.Or(
			cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.PackageName, b.PackageName),
			cmp.Compare(a.PackageVersion, b.PackageVersion),
			cmp.Compare(a.PackageType, b.PackageType),
			cmp.Compare(a.FeedGroup, b.FeedGroup),
		)
	})
	return list
}
