package operations

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// ReportPolicy evaluates watched tags, page by page, and reports what the whitelist items of a
// bundle, and the acceptances, are for.
var ReportPolicy = Operation[PolicyReportRequest, PolicyReport]{Name: "report-policy", Summary: "Report what the whitelist items of a bundle, and accepted risks, are for in the watched tags",
	Method: http.MethodPost, Path: "/policies/report", Scope: token.Read, Whole: true, Large: true, do: reportPolicy}

// PolicyReportRequest names a bundle.
type PolicyReportRequest struct {
	PolicyChoice
	ExpiringBefore time.Time `json:"expiring_before,omitzero" required:"false" doc:"What expires before this time is reported as expiring; none by default."`
	EvaluatedPage
}

// PolicyReport is a page of a report. An item is on the first page, and on those with tags in
// which it matches something.
type PolicyReport struct {
	Evaluated
	Items []ReportedItem `json:"items" doc:"The whitelist items, then the acceptances. All of them are on the first page, and on others those that match something in its tags: the matches of an item are those of all pages together."`
	// Names are the places that name a vulnerability otherwise than the data.
	Names []policy.NameInUse `json:"names" doc:"Places in the bundle that name a vulnerability otherwise than the vulnerability data does."`
}

// ReportedItem is a whitelist item or an acceptance, with what it matches in the tags of a
// page.
type ReportedItem struct {
	Whitelist string    `json:"whitelist_id"`
	Position  int       `json:"position"`
	ID        string    `json:"item_id,omitempty"`
	Gate      string    `json:"gate"`
	TriggerID string    `json:"trigger_id"`
	Expires   time.Time `json:"expires_on,omitzero"`
	// UntilFixed is of an acceptance that lasts until there is a fix; Fixed are the
	// findings for which it has ended.
	UntilFixed bool     `json:"until_fixed,omitempty"`
	Fixed      []string `json:"fixed"`
	Expired    bool     `json:"expired"`
	Expiring   bool     `json:"expiring"`
	// Matches are what it is for, Fixable those of them that have a fix, by their names.
	Matches  []string `json:"matches"`
	Fixable  []string `json:"fixable"`
	ListedAs []string `json:"listed_as"`
}

// Add adds what the item matches in the tags of another page.
func (i *ReportedItem) Add(other ReportedItem) {
	for _, part := range []struct {
		to   *[]string
		from []string
	}{{&i.Fixed, other.Fixed}, {&i.Matches, other.Matches}, {&i.Fixable, other.Fixable}, {&i.ListedAs, other.ListedAs}} {
		for _, name := range part.from {
			if at, found := slices.BinarySearch(*part.to, name); !found {
				*part.to = slices.Insert(*part.to, at, name)
			}
		}
	}
}

func (i ReportedItem) matchesNothing() bool { return len(i.Matches)+len(i.Fixed) == 0 }

// mostReported is how many rows of evaluations a page of a report is made of, before its last
// tag.
const mostReported = 5000

func reportPolicy(ctx context.Context, s *System, request PolicyReportRequest) (PolicyReport, error) {
	report := PolicyReport{Items: []ReportedItem{}, Names: []policy.NameInUse{}}
	bundle, err := s.bundle(ctx, request.PolicyChoice)
	if err != nil {
		return report, err
	}
	accepted, err := s.acceptances(ctx)
	if err != nil {
		return report, err
	}
	within := max(0, request.ExpiringBefore.Sub(s.Now))
	acceptances := newAcceptanceReports(accepted, s.Now, within)
	var occurrences []policy.Occurrence
	var matches []vuln.Match
	report.Evaluated, err = s.evaluateAll(ctx, request.EvaluatedPage, []*policy.Bundle{bundle}, func(_ watch.Summary, subject *policy.Input) (bool, error) {
		acceptances.count(subject)
		matches = append(matches, subject.Matches...)
		e, err := policy.Evaluate(ctx, bundle, subject, s.Now)
		occurrences = append(occurrences, policy.Occurrences(e)...)
		return len(occurrences) < mostReported, err
	})
	if err != nil {
		return report, err
	}
	items, err := policy.ReportWhitelists(ctx, bundle, occurrences, s.Now, within)
	if err != nil {
		return report, refused(err)
	}
	for _, r := range items {
		report.Items = append(report.Items, reportedItem(r))
	}
	for _, r := range acceptances {
		report.Items = append(report.Items, r.item)
	}
	if request.After != "" {
		report.Items = slices.DeleteFunc(report.Items, ReportedItem.matchesNothing)
	}
	report.Names = append(append(report.Names, policy.WhitelistNames(bundle, items)...), policy.BlacklistNames(bundle, matches)...)
	return report, nil
}

func reportedItem(r policy.ItemReport) ReportedItem {
	item := ReportedItem{Whitelist: r.WhitelistID, Position: r.Position, ID: r.Item.ID, Gate: r.Item.Gate, TriggerID: r.Item.TriggerID, Expires: r.Item.Expires,
		Expired: r.Expired, Expiring: r.Expiring, Matches: []string{}, Fixable: []string{}, Fixed: []string{}, ListedAs: append([]string{}, r.Spellings...)}
	for _, o := range r.Occurrences {
		found := ReportedItem{Matches: []string{o.TriggerID}}
		if o.Fixed {
			found.Fixable = found.Matches
		}
		item.Add(found)
	}
	return item
}

// acceptanceReport says what an acceptance is for, as a whitelist item.
type acceptanceReport struct {
	acceptance.Acceptance
	item ReportedItem
}

type acceptanceReports []*acceptanceReport

// newAcceptanceReports are those on acceptances that are not revoked.
func newAcceptanceReports(all []acceptance.Acceptance, now time.Time, within time.Duration) (reports acceptanceReports) {
	for _, a := range all {
		if a.State(now) == acceptance.Revoked {
			continue
		}
		ended := a.State(now) == acceptance.Ended
		reports = append(reports, &acceptanceReport{a, ReportedItem{Whitelist: policy.AcceptancesID, Position: len(reports), ID: strconv.FormatInt(a.ID, 10),
			Gate: "vulnerabilities", TriggerID: a.Vulnerability, Expires: a.Until, UntilFixed: a.UntilFixed(), Expired: ended,
			Expiring: !ended && a.State(now.Add(within)) == acceptance.Ended, Matches: []string{}, Fixable: []string{}, Fixed: []string{}, ListedAs: []string{}}})
	}
	return reports
}

// count adds the findings of a tag. An acceptance that lasts until there is a fix no longer
// covers those that have one.
func (r acceptanceReports) count(subject *policy.Input) {
	if len(r) == 0 {
		return
	}
	findings := vuln.Merge(vuln.Findings(subject.Matches))
	for _, each := range r {
		if !each.IsFor(subject.Reference) {
			continue
		}
		for _, f := range findings {
			if each.Concerns(f) {
				each.item.Add(each.match(f))
			}
		}
	}
}

func (r *acceptanceReport) match(f vuln.Finding) (found ReportedItem) {
	is := f.Identity()
	name := []string{strings.Join([]string{is.Key, is.Name, is.Version, is.Type}, " ")}
	if r.UntilFixed() && f.HasFix() {
		return ReportedItem{Fixed: name}
	}
	found.Matches = name
	if f.HasFix() {
		found.Fixable = name
	}
	if !strings.EqualFold(f.ID, r.Vulnerability) {
		found.ListedAs = []string{f.ID}
	}
	return found
}

// ValidatePolicy validates a bundle without storing it.
var ValidatePolicy = Operation[PolicyText, PolicyProblems]{Name: "validate-policy", Summary: "Validate a policy bundle, with the place of each problem",
	Method: http.MethodPost, Path: "/policies/validate", Scope: token.Read, Whole: true, Large: true, do: validatePolicy}

// PolicyText is a bundle as text, which may be invalid.
type PolicyText struct {
	Text string `json:"text" maxLength:"8388608" doc:"The bundle, in the format of Anchore Engine or Anchore Enterprise."`
}

// PolicyProblems is what is wrong with a bundle.
type PolicyProblems struct {
	Valid    bool             `json:"valid"`
	ID       string           `json:"id"`
	Hash     string           `json:"hash,omitempty"`
	Problems []policy.Problem `json:"problems"`
}

func validatePolicy(_ context.Context, _ *System, request PolicyText) (PolicyProblems, error) {
	bundle, problems := policy.Parse([]byte(request.Text))
	return PolicyProblems{policy.Valid(problems), bundle.ID, bundle.Hash(), append([]policy.Problem{}, problems...)}, nil
}
