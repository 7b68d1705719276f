package matcher

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	v6 "github.com/anchore/grype/grype/db/v6"
	"github.com/anchore/grype/grype/match"
	"github.com/anchore/grype/grype/pkg"
	"github.com/anchore/grype/grype/vulnerability"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// finding describes a match with what the command line prints about it, without
// EPSS. Its severity is that of the matched record; each related record has its own.
func (r *reader) finding(m match.Match) (vuln.Finding, error) {
	meta := m.Vulnerability.Metadata
	if meta == nil {
		return vuln.Finding{}, fmt.Errorf("describe %s: its record is missing", m.Vulnerability.ID)
	}
	related, err := r.relatedOf(m.Vulnerability)
	if err != nil {
		return vuln.Finding{}, err
	}
	f := vuln.Finding{
		ID:             m.Vulnerability.ID,
		Namespace:      m.Vulnerability.Namespace,
		Package:        vuln.Package{Name: m.Package.Name, Version: m.Package.Version, Type: string(m.Package.Type), PURL: m.Package.PURL},
		Severity:       vuln.ParseSeverity(meta.Severity),
		Fix:            fixOf(m),
		URL:            meta.DataSource,
		URLs:           urlsOf(m.Vulnerability),
		CVSS:           cvssOf(meta),
		CWEs:           cwesOf(meta),
		Related:        related,
		KnownExploited: len(meta.KnownExploited) > 0,
		Exploitation:   exploitationOf(meta.KnownExploited),
		Description:    meta.Description,
		Hows:           howsOf(m.Details),
	}
	setDates(&f, m.Vulnerability.Internal)
	return f, nil
}

// exploitationOf is the earliest entry of the catalog about the vulnerability.
func exploitationOf(entries []vulnerability.KnownExploited) (first *vuln.Exploitation) {
	for _, entry := range entries {
		e := &vuln.Exploitation{Ransomware: strings.ToLower(entry.KnownRansomwareCampaignUse)}
		if entry.DateAdded != nil {
			e.Added = entry.DateAdded.UTC()
		}
		if entry.DueDate != nil {
			e.Due = entry.DueDate.UTC()
		}
		if first == nil || e.Added.Before(first.Added) {
			first = e
		}
	}
	return first
}

// setDates takes the dates from the record, which grype passes on unchanged.
func setDates(f *vuln.Finding, internal any) {
	record, ok := internal.(*v6.VulnerabilityHandle)
	if !ok || record == nil {
		return
	}
	if record.PublishedDate != nil {
		f.Published = record.PublishedDate.UTC()
	}
	if record.ModifiedDate != nil {
		f.Modified = record.ModifiedDate.UTC()
	}
}

func fixOf(m match.Match) vuln.Fix {
	state := vuln.FixState(m.Vulnerability.Fix.State)
	return vuln.Fix{
		State:    cmp.Or(state, vuln.FixUnknown),
		Versions: sortVersions(m.Vulnerability.Fix.Versions, pkg.VersionFormat(m.Package)),
	}
}

// urlsOf returns the record's further references and the vendor's advisories.
func urlsOf(v vulnerability.Vulnerability) []string {
	var urls []string
	add := func(url string) {
		if url != "" && url != v.Metadata.DataSource && !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	for _, url := range v.Metadata.URLs {
		add(url)
	}
	for _, advisory := range v.Advisories {
		add(advisory.Link)
	}
	return urls
}

func cvssOf(meta *vulnerability.Metadata) []vuln.CVSS {
	var scores []vuln.CVSS
	for _, s := range meta.Cvss {
		score := vuln.CVSS{Source: s.Source, Version: s.Version, Vector: s.Vector, Base: s.Metrics.BaseScore}
		if s.Metrics.ExploitabilityScore != nil {
			score.Exploitability = *s.Metrics.ExploitabilityScore
		}
		if s.Metrics.ImpactScore != nil {
			score.Impact = *s.Metrics.ImpactScore
		}
		scores = append(scores, score)
	}
	return scores
}

func cwesOf(meta *vulnerability.Metadata) []string {
	var cwes []string
	for _, c := range meta.CWEs {
		cwes = append(cwes, c.CWE)
	}
	slices.Sort(cwes)
	return slices.Compact(cwes)
}

func howsOf(details match.Details) []string {
	var hows []string
	for _, d := range details {
		hows = append(hows, string(d.Type))
	}
	slices.Sort(hows)
	return slices.Compact(hows)
}

// relatedOf describes the related records, sorted. One that is missing is kept by
// name: it may come later.
func (r *reader) relatedOf(v vulnerability.Vulnerability) ([]vuln.Related, error) {
	var related []vuln.Related
	for _, ref := range v.RelatedVulnerabilities {
		record, err := remember(&r.related, relatedKey{ref.ID, ref.Namespace}, nil, r.describeRelated)
		if err != nil {
			return nil, err
		}
		related = append(related, record)
	}
	slices.SortFunc(related, func(a, b vuln.Related) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Namespace, b.Namespace))
	})
	return related, nil
}

func (r *reader) describeRelated(key relatedKey) (vuln.Related, error) {
	ref := vulnerability.Reference{ID: key.id, Namespace: key.namespace}
	//lint:ignore SA1019 deprecated for matched records, which carry their metadata; related records have no other source
	meta, err := r.provider.VulnerabilityMetadata(ref)
	if err != nil {
		return vuln.Related{}, fmt.Errorf("read record %s: %w", key.id, err)
	}
	if meta == nil {
		return vuln.Related{ID: key.id, Namespace: key.namespace, Severity: vuln.Unknown}, nil
	}
	return vuln.Related{
		ID: key.id, Namespace: key.namespace, Severity: vuln.ParseSeverity(meta.Severity),
		URL: meta.DataSource, CVSS: cvssOf(meta),
	}, nil
}

func sortFindings(findings []vuln.GroupFinding) {
	slices.SortFunc(findings, func(a, b vuln.GroupFinding) int {
		return cmp.Or(cmp.Compare(a.Member, b.Member), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Namespace, b.Namespace))
	})
}
