package operations

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/errkind"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// ListAcceptances lists accepted risks. A caller with bounds sees those that are for tags
// within them alone.
var ListAcceptances = Operation[AcceptancesRequest, AcceptanceList]{Name: "list-acceptances", Summary: "List accepted risks",
	Method: http.MethodGet, Path: "/acceptances", Scope: token.Read, do: listAcceptances}

// AcceptancesRequest selects acceptances.
type AcceptancesRequest struct {
	All bool `query:"all" doc:"Also those that ended or were revoked."`
	Page
}

// AcceptanceList is a page of acceptances.
type AcceptanceList struct {
	Acceptances []ListedAcceptance `json:"acceptances"`
	Next        string             `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// ListedAcceptance is an acceptance with how many findings of watched tags it covers now.
type ListedAcceptance struct {
	Acceptance
	Covered int `json:"covered"`
}

// Acceptance is an accepted risk.
type Acceptance struct {
	ID            int64            `json:"id"`
	Vulnerability string           `json:"vulnerability"`
	Aliases       []string         `json:"aliases"`
	Package       string           `json:"package,omitempty"`
	Subject       string           `json:"subject,omitempty"`
	Until         string           `json:"until" doc:"When it ends, or fixed for when there is a fix."`
	State         acceptance.State `json:"state" enum:"active,ended,revoked"`
	Reason        string           `json:"reason"`
	Owner         string           `json:"owner,omitempty"`
	By            string           `json:"accepted_by"`
	Created       time.Time        `json:"accepted"`
	ExtendedBy    string           `json:"extended_by,omitempty"`
	Extended      time.Time        `json:"extended,omitzero"`
	RevokedBy     string           `json:"revoked_by,omitempty"`
	Revoked       time.Time        `json:"revoked,omitzero"`
}

func (s *System) acceptanceOf(a acceptance.Acceptance) Acceptance {
	return Acceptance{a.ID, a.Vulnerability, append([]string{}, a.Aliases...), a.Package, a.Subject, untilText(a), a.State(s.Now), a.Reason, a.Owner,
		a.By, a.Created, a.ExtendedBy, a.Extended, a.RevokedBy, a.Revoked}
}

// untilFixed is the end of an acceptance that lasts until there is a fix.
const untilFixed = "fixed"

func untilText(a acceptance.Acceptance) string {
	if a.UntilFixed() {
		return untilFixed
	}
	return a.Until.UTC().Format(time.RFC3339)
}

func listAcceptances(ctx context.Context, s *System, request AcceptancesRequest) (AcceptanceList, error) {
	limit, err := request.limit()
	if err != nil {
		return AcceptanceList{}, err
	}
	after, err := request.number()
	if err != nil {
		return AcceptanceList{}, err
	}
	all, err := s.acceptances(ctx)
	if err != nil {
		return AcceptanceList{}, err
	}
	list := AcceptanceList{Acceptances: []ListedAcceptance{}}
	for _, a := range all {
		if a.ID <= after || !request.All && a.State(s.Now) != acceptance.Active {
			continue
		}
		if len(list.Acceptances) == limit {
			list.Next = strconv.FormatInt(list.Acceptances[limit-1].ID, 10)
			break
		}
		findings, err := s.findingsOf(ctx, a)
		if err != nil {
			return AcceptanceList{}, err
		}
		list.Acceptances = append(list.Acceptances, ListedAcceptance{s.acceptanceOf(a), covered(findings)})
	}
	return list, nil
}

func covered(findings []AcceptedFinding) (count int) {
	for _, f := range findings {
		if f.Covered {
			count++
		}
	}
	return count
}

// acceptances are those that the caller may see, by id.
func (s *System) acceptances(ctx context.Context) ([]acceptance.Acceptance, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	all, err := kept.Acceptances(ctx)
	return slices.DeleteFunc(all, func(a acceptance.Acceptance) bool { return !s.Bounds.IncludePattern(a.Subject) }), err
}

// ShowAcceptance shows an acceptance and what it is for.
var ShowAcceptance = Operation[AcceptanceID, ShownAcceptance]{Name: "show-acceptance", Summary: "Show an accepted risk and the findings that it is for",
	Method: http.MethodGet, Path: "/acceptances/{id}", Scope: token.Read, do: showAcceptance}

// AcceptanceID names an acceptance.
type AcceptanceID struct {
	ID string `path:"id" maxLength:"255" doc:"Id of the acceptance, or of a vulnerability with one active acceptance." example:"3"`
}

// ShownAcceptance is an acceptance with the findings of watched tags that it is for.
type ShownAcceptance struct {
	Acceptance
	Findings []AcceptedFinding `json:"findings"`
}

// AcceptedFinding is a finding of a watched tag that an acceptance is for.
type AcceptedFinding struct {
	Tag           string        `json:"tag"`
	Vulnerability string        `json:"vulnerability"`
	Package       string        `json:"package"`
	Version       string        `json:"version"`
	Severity      vuln.Severity `json:"severity"`
	Covered       bool          `json:"covered"`
}

func showAcceptance(ctx context.Context, s *System, request AcceptanceID) (ShownAcceptance, error) {
	a, err := s.acceptance(ctx, request.ID)
	if err != nil {
		return ShownAcceptance{}, err
	}
	findings, err := s.findingsOf(ctx, a)
	return ShownAcceptance{s.acceptanceOf(a), findings}, err
}

// acceptance is the one of an id, or the only active one of a vulnerability.
func (s *System) acceptance(ctx context.Context, id string) (acceptance.Acceptance, error) {
	all, err := s.acceptances(ctx)
	if err != nil {
		return acceptance.Acceptance{}, err
	}
	var found []acceptance.Acceptance
	var numbers []string
	for _, a := range all {
		number := strconv.FormatInt(a.ID, 10)
		if number == id {
			return a, nil
		}
		if a.State(s.Now) == acceptance.Active && slices.Contains(a.Names(), strings.ToLower(id)) {
			found, numbers = append(found, a), append(numbers, number)
		}
	}
	switch len(found) {
	case 0:
		return acceptance.Acceptance{}, notFound("see: tagwatch accept list --all", "acceptance %s not found", id)
	case 1:
		return found[0], nil
	}
	return acceptance.Acceptance{}, conflict("", "%s has several acceptances (%s); name one by its number", id, strings.Join(numbers, ", "))
}

// findingsOf are the findings, of watched tags, that an acceptance is for.
func (s *System) findingsOf(ctx context.Context, a acceptance.Acceptance) ([]AcceptedFinding, error) {
	affected, err := s.affectedBy(ctx, a)
	findings := []AcceptedFinding{}
	for _, t := range affected {
		covered := a.State(s.Now) == acceptance.Active && !(a.UntilFixed() && vuln.Finding{Fix: t.Fix}.HasFix())
		findings = append(findings, AcceptedFinding{t.Target.String(), t.ID, t.Package, t.Version, t.Severity, covered})
	}
	return findings, err
}

// affectedBy are the findings, of watched tags, that an acceptance is for. Package URLs are
// compared by their name.
func (s *System) affectedBy(ctx context.Context, a acceptance.Acceptance) (affected []store.AffectedTag, err error) {
	name := a.Package
	if vuln.IsPackageURL(name) {
		query, err := vuln.ParsePackageQuery(name)
		if err != nil {
			return nil, err
		}
		name = query.Name
	}
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	all, err := kept.Affected(ctx, a.Vulnerability)
	for _, t := range all {
		if !t.Older && a.IsFor(t.Target.Reference) && (name == "" || strings.EqualFold(name, t.Package)) {
			affected = append(affected, t)
		}
	}
	return affected, err
}

func conflict(hint, format string, arguments ...any) *Refusal {
	refusal := notFound(hint, format, arguments...)
	refusal.Kind = errkind.Conflict
	return refusal
}
