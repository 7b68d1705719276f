package feed

import (
	"cmp"
)

type githubRecord struct {
	Advisory githubAdvisory `json:"Advisory"`
}

type githubAdvisory struct {
	Classification string            `json:"Classification"`
	GHSA           string            `json:"ghsaId"`
	CVE            []string          `json:"CVE"`
	Severity       string            `json:"Severity"`
	CVSSSeverities []githubCVSS      `json:"cvss_severities,omitempty"`
	Summary        string            `json:"Summary"`
	URL            string            `json:"url"`
	Namespace      string            `json:"namespace"`
	Published      string            `json:"published"`
	Updated        string            `json:"updated"`
	Withdrawn      string            `json:"withdrawn,omitempty"`
	FixedIn        []githubFixedIn   `json:"FixedIn"`
	References     []githubReference `json:"references"`
}

type githubCVSS struct {
	Version string `json:"version"`
	Vector  string `json:"vector"`
}

type githubReference struct {
	URL string `json:"url"`
}

type githubFixedIn struct {
	Name       string      `json:"name"`
	Ecosystem  string      `json:"ecosystem"`
	Namespace  string      `json:"namespace"`
	Identifier string      `json:"identifier"`
	Range      string      `json:"range"`
	Available  *githubDate `json:"available,omitempty"`
}

type githubDate struct {
	Date string `json:"date"`
	Kind string `json:"kind"`
}

func githubRecordOf(g group) any {
	first := g[0]
	advisory := githubAdvisory{
		Classification: "GENERAL",
		GHSA:           first.ID,
		CVE:            first.Aliases,
		Severity:       first.Severity,
		Summary:        first.Description,
		URL:            first.link(),
		Namespace:      "github:" + first.Ecosystem,
		Published:      timestamp(first.published()),
		Updated:        timestamp(first.published()),
	}
	if first.CVSS != "" {
		advisory.CVSSSeverities = []githubCVSS{{Version: "3.1", Vector: first.CVSS}}
	}
	if first.Withdrawn {
		advisory.Withdrawn = timestamp(first.published())
	}
	for _, v := range g {
		advisory.FixedIn = append(advisory.FixedIn, v.githubFixedIn())
	}
	return githubRecord{Advisory: advisory}
}

func (v Vulnerability) githubFixedIn() githubFixedIn {
	fixed := githubFixedIn{
		Name:       v.Package,
		Ecosystem:  v.Ecosystem,
		Namespace:  "github:" + v.Ecosystem,
		Identifier: v.Fixed,
		Range:      cmp.Or(v.Affected, ">=0"),
	}
	if v.Affected == "" && v.Fixed != "" {
		fixed.Range = "<" + v.Fixed
	}
	if !v.FixDate.IsZero() {
		fixed.Available = &githubDate{Date: timestamp(v.FixDate), Kind: "advisory"}
	}
	return fixed
}
