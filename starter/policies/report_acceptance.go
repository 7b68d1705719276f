package policies

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/policy"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// acceptanceReport says how an acceptance fares, as a whitelist item.
type acceptanceReport struct {
	acceptance.Acceptance
	view    itemView
	counted map[vuln.Identity]bool
}

type acceptanceReports []*acceptanceReport

// newAcceptanceReports are those on acceptances that are not revoked.
func newAcceptanceReports(all []acceptance.Acceptance, now time.Time, within time.Duration) (reports acceptanceReports) {
	for _, a := range all {
		if a.State(now) == acceptance.Revoked {
			continue
		}
		ended := a.State(now) == acceptance.Ended
		reports = append(reports, &acceptanceReport{a, itemView{Whitelist: policy.AcceptancesID, Position: len(reports), ID: strconv.FormatInt(a.ID, 10),
			Gate: "vulnerabilities", TriggerID: a.Vulnerability, Expires: a.Until, UntilFixed: a.UntilFixed(), Expired: ended,
			Expiring: !ended && a.State(now.Add(within)) == acceptance.Ended, ListedAs: []string{}}, map[vuln.Identity]bool{}})
	}
	return reports
}

// count adds the findings of a tag, each once for all tags. One that lasts until there is a
// fix no longer covers those that have one.
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
			if each.counted[f.Identity()] || !each.Concerns(f) {
				continue
			}
			each.counted[f.Identity()] = true
			if each.UntilFixed() && f.HasFix() {
				each.view.Fixed++
				continue
			}
			each.view.Matches++
			if f.HasFix() {
				each.view.Fixable++
			}
			if !strings.EqualFold(f.ID, each.Vulnerability) && !slices.Contains(each.view.ListedAs, f.ID) {
				each.view.ListedAs = append(each.view.ListedAs, f.ID)
			}
		}
	}
}
