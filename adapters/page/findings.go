package page

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

const (
	findingsPerPage = 25
	// shownFixes is how many versions of a fix a row shows.
	shownFixes = 4
)

// findingRow is a vulnerability of a tag.
type findingRow struct {
	vuln.Finding
	EPSS *float64 // nil without a score
}

// Probability is the EPSS score in percent; empty without one.
func (r findingRow) Probability() string {
	if r.EPSS == nil {
		return ""
	}
	return fmt.Sprintf("%.1f%%", *r.EPSS*100)
}

// Fixes are the versions with a fix, or the word of the data for having none.
func (r findingRow) Fixes() string { return fixText(r.Fix) }

func fixText(fix vuln.Fix) string {
	versions := fix.Versions
	switch {
	case len(versions) == 0 && fix.State == vuln.FixWont:
		return "won't fix"
	case len(versions) == 0:
		return strings.ReplaceAll(string(fix.State), "-", " ")
	case len(versions) > shownFixes:
		return strings.Join(versions[:shownFixes], ", ") + fmt.Sprintf(" and %d more", len(versions)-shownFixes)
	}
	return strings.Join(versions, ", ")
}

// Acceptance says how long the risk is accepted, and why.
func (r findingRow) Acceptance() string {
	until := "until there is a fix"
	if !r.Accepted.Until.IsZero() {
		until = "until " + r.Accepted.Until.UTC().Format(time.DateOnly)
	}
	text := "accepted " + until + ": " + r.Accepted.Reason
	if r.Accepted.Owner != "" {
		text += " (" + r.Accepted.Owner + ")"
	}
	return text
}

// findingFilter selects vulnerabilities of a tag.
type findingFilter struct {
	Severity, Accepted, Package string
	Fixable, Exploited          bool
}

// Zero reports that all are selected.
func (f findingFilter) Zero() bool { return f == findingFilter{} }

// severities are what a finding is selected by: exactly one, or one and above.
var severities = []string{"critical", "high", "high+", "medium", "medium+", "low", "low+", "negligible", "unknown"}

// Severities are the choices of the form.
func (findingFilter) Severities() []string { return severities }

// acceptedOnly and acceptedNone select by whether a risk is accepted.
const acceptedOnly, acceptedNone = "only", "none"

func (p *parameters) findings() findingFilter {
	return findingFilter{Severity: choice(p, "severity", severities...), Accepted: choice(p, "accepted", acceptedOnly, acceptedNone),
		Package: p.text("package"), Fixable: p.flag("fixable"), Exploited: p.flag("exploited")}
}

func (f findingFilter) selects(v vuln.Finding) bool {
	return f.ofSeverity(v.Severity) &&
		(!f.Fixable || v.HasFix()) && (!f.Exploited || v.KnownExploited) &&
		(f.Package == "" || strings.Contains(strings.ToLower(v.Package.Name), strings.ToLower(f.Package))) &&
		(f.Accepted == "" || (f.Accepted == acceptedOnly) == (v.Accepted != nil))
}

func (f findingFilter) ofSeverity(s vuln.Severity) bool {
	name, above := strings.CutSuffix(f.Severity, "+")
	switch {
	case name == "":
		return true
	case above:
		return s.Rank() >= vuln.ParseSeverity(name).Rank()
	}
	return s == vuln.ParseSeverity(name)
}

// selected are the vulnerabilities that the filter selects, the most severe first.
func (f findingFilter) selected(all []vuln.Finding) (found []vuln.Finding) {
	for _, each := range all {
		if f.selects(each) {
			found = append(found, each)
		}
	}
	slices.SortStableFunc(found, func(a, b vuln.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Package.Name, b.Package.Name))
	})
	return found
}

// scored adds the EPSS scores of today.
func (s *Site) scored(ctx context.Context, found []vuln.Finding) ([]findingRow, error) {
	keys := make([]string, len(found))
	for i, each := range found {
		keys[i] = each.Key()
	}
	scores, err := readingOf(ctx).Scores(ctx, keys)
	if err != nil {
		return nil, err
	}
	rows := make([]findingRow, len(found))
	for i, each := range found {
		rows[i] = findingRow{Finding: each}
		if score, known := scores[keys[i]]; known {
			rows[i].EPSS = &score.Probability
		}
	}
	return rows, nil
}
