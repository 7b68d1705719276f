package operations

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tagwatch/tagwatch/domain/acceptance"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/token"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
	"github.com/tagwatch/tagwatch/domain/wording"
)

// ListVulnerabilities lists the vulnerabilities of a tag's image, the most severe first.
var ListVulnerabilities = Operation[VulnerabilitiesRequest, VulnerabilityList]{Name: "list-vulnerabilities",
	Summary: "List the vulnerabilities of a tag's last analyzed image", Method: http.MethodGet, Path: "/tag/vulnerabilities", Scope: token.Read, do: listVulnerabilities}

// VulnerabilitiesRequest selects vulnerabilities of a tag.
type VulnerabilitiesRequest struct {
	TagRequest
	Severity string `query:"severity" maxLength:"20" doc:"Only this severity and above: critical, high, medium, low, negligible or unknown."`
	Fixable  bool   `query:"fixable" doc:"Only those with a fix."`
	Page
}

// VulnerabilityList is a page of the list of an image.
type VulnerabilityList struct {
	Target image.Target `json:"target"`
	Digest image.Digest `json:"digest"`
	// Coverage reports what it means that a vulnerability is not in the list.
	Coverage        vuln.Coverage   `json:"coverage"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`
	// Current is set if the tag points to another image, which is not analyzed.
	Current *NotAnalyzed `json:"current,omitempty"`
	Next    string       `json:"next,omitempty" doc:"Cursor of the next page; missing on the last one."`
}

// Vulnerability is a match.
type Vulnerability struct {
	ID             string         `json:"id"`
	Key            string         `json:"key"`
	Aliases        []string       `json:"aliases"`
	Severity       vuln.Severity  `json:"severity"`
	Package        string         `json:"package"`
	Version        string         `json:"version"`
	Type           string         `json:"type"`
	PURL           string         `json:"purl,omitempty"`
	Location       string         `json:"location,omitempty"`
	FixState       vuln.FixState  `json:"fix_state"`
	Fixes          []string       `json:"fixed_in"`
	KnownExploited bool           `json:"known_exploited"`
	Namespace      string         `json:"namespace"`
	Related        []string       `json:"related"`
	URL            string         `json:"url,omitempty"`
	EPSS           *EPSS          `json:"epss,omitempty"`
	Accepted       *vuln.Accepted `json:"accepted,omitempty"`
	Detected       time.Time      `json:"detected,omitzero"`
	FixObserved    time.Time      `json:"fix_observed,omitzero"`
}

// EPSS is how likely a vulnerability is to be exploited.
type EPSS struct {
	Probability float64 `json:"probability"`
	Percentile  float64 `json:"percentile"`
}

func listVulnerabilities(ctx context.Context, s *System, request VulnerabilitiesRequest) (VulnerabilityList, error) {
	least, err := severity(request.Severity)
	if err != nil {
		return VulnerabilityList{}, err
	}
	known, err := s.matched(ctx, request.TagRequest)
	if err != nil {
		return VulnerabilityList{}, err
	}
	list := VulnerabilityList{Target: known.Target, Digest: known.Analyzed, Coverage: known.Coverage, Current: notAnalyzed(known)}
	found, err := s.vulnerabilities(ctx, known, func(m vuln.Match) bool {
		return m.Severity.Rank() >= least.Rank() && (!request.Fixable || m.Fix.State == vuln.FixKnown)
	})
	if err != nil {
		return VulnerabilityList{}, err
	}
	list.Vulnerabilities, list.Next, err = part(request.Page, found)
	return list, err
}

func (s *System) vulnerabilities(ctx context.Context, known watch.Summary, selects func(vuln.Match) bool) ([]Vulnerability, error) {
	kept, err := s.Store(ctx)
	if err != nil {
		return nil, err
	}
	matches, err := kept.Matches(ctx, known.Analyzed)
	if err != nil {
		return nil, err
	}
	acceptances, err := kept.Acceptances(ctx)
	if err != nil {
		return nil, err
	}
	accepted := map[vuln.Identity]*vuln.Accepted{}
	for _, f := range acceptance.Mark(vuln.Merge(vuln.Findings(matches)), acceptance.For(acceptances, known.Target.Reference), s.Now) {
		accepted[f.Identity()] = f.Accepted
	}
	keys := make([]string, len(matches))
	for i, m := range matches {
		keys[i] = m.Key()
	}
	scores, err := kept.Scores(ctx, keys)
	if err != nil {
		return nil, err
	}
	found := []Vulnerability{}
	for i, m := range matches {
		if !selects(m) {
			continue
		}
		v := vulnerabilityOf(m)
		v.Accepted = accepted[m.Identity()]
		if score, known := scores[keys[i]]; known {
			v.EPSS = &EPSS{score.Probability, score.Percentile}
		}
		found = append(found, v)
	}
	slices.SortStableFunc(found, mostSevere)
	return found, nil
}

func severity(text string) (vuln.Severity, error) {
	if text == "" {
		return "", nil
	}
	least := vuln.ParseSeverity(text)
	if !strings.EqualFold(string(least), text) {
		return "", &InvalidValue{Field: "severity", Value: text, Expected: "one of " + wording.List(vuln.Severities)}
	}
	return least, nil
}

func vulnerabilityOf(m vuln.Match) Vulnerability {
	v := Vulnerability{ID: m.ID, Key: m.Key(), Aliases: append([]string{}, m.Aliases()...), Severity: m.Severity, Package: m.Package.Name, Version: m.Package.Version, Type: m.Package.Type,
		PURL: m.Package.PURL, Location: m.Location, FixState: m.Fix.State, Fixes: append([]string{}, m.Fix.Versions...),
		KnownExploited: m.KnownExploited, Namespace: m.Namespace, Related: []string{}, URL: m.URL,
		Detected: m.Detected, FixObserved: m.FixObserved}
	for _, r := range m.Related {
		v.Related = append(v.Related, r.ID)
	}
	return v
}

func mostSevere(a, b Vulnerability) int {
	return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Package, b.Package), cmp.Compare(a.Version, b.Version))
}
