package feed

import (
	"cmp"
	"fmt"
	"strings"
)

type nvdRecord struct {
	CVE nvdCVE `json:"cve"`
}

type nvdCVE struct {
	ID             string             `json:"id"`
	Published      string             `json:"published"`
	LastModified   string             `json:"lastModified"`
	VulnStatus     string             `json:"vulnStatus"`
	Descriptions   []nvdText          `json:"descriptions"`
	Metrics        *nvdMetrics        `json:"metrics,omitempty"`
	Weaknesses     []nvdWeakness      `json:"weaknesses,omitempty"`
	Configurations []nvdConfiguration `json:"configurations,omitempty"`
	References     []nvdReference     `json:"references"`
}

type nvdText struct {
	Lang  string `json:"lang"`
	Value string `json:"value"`
}

type nvdMetrics struct {
	V31 []nvdMetric `json:"cvssMetricV31"`
}

type nvdMetric struct {
	Source string  `json:"source"`
	Type   string  `json:"type"`
	Data   nvdCVSS `json:"cvssData"`
}

type nvdCVSS struct {
	Version      string `json:"version"`
	VectorString string `json:"vectorString"`
	BaseSeverity string `json:"baseSeverity,omitempty"`
}

type nvdWeakness struct {
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Description []nvdText `json:"description"`
}

type nvdConfiguration struct {
	Nodes []nvdNode `json:"nodes"`
}

type nvdNode struct {
	Operator string     `json:"operator"`
	CPEMatch []nvdMatch `json:"cpeMatch"`
}

type nvdMatch struct {
	Vulnerable            bool    `json:"vulnerable"`
	Criteria              string  `json:"criteria"`
	VersionStartIncluding string  `json:"versionStartIncluding,omitempty"`
	VersionEndExcluding   string  `json:"versionEndExcluding,omitempty"`
	VersionEndIncluding   string  `json:"versionEndIncluding,omitempty"`
	Fix                   *nvdFix `json:"fix,omitempty"`
}

type nvdFix struct {
	Version string `json:"version"`
	Date    string `json:"date,omitempty"`
	Kind    string `json:"kind,omitempty"`
}

type nvdReference struct {
	URL string `json:"url"`
}

// typicalVectors stand for a severity where no vector is given: NVD's records
// express severity only by vectors.
var typicalVectors = map[string]string{
	"critical": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", // 9.8
	"high":     "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", // 7.5
	"medium":   "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", // 5.3
	"low":      "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", // 3.1
}

func nvdRecordOf(g group) any {
	const nist = "nvd@nist.gov"
	first := g[0]
	record := nvdCVE{
		ID:           first.ID,
		Published:    timestamp(first.published()),
		LastModified: timestamp(first.published()),
		VulnStatus:   "Analyzed",
		Descriptions: []nvdText{{Lang: "en", Value: first.Description}},
		References:   []nvdReference{{URL: first.link()}},
	}
	if first.Withdrawn {
		record.VulnStatus = "Rejected"
	}
	if vector := cmp.Or(first.CVSS, typicalVectors[strings.ToLower(first.Severity)]); vector != "" {
		record.Metrics = &nvdMetrics{V31: []nvdMetric{{Source: nist, Type: "Primary", Data: nvdCVSS{
			Version: "3.1", VectorString: vector, BaseSeverity: strings.ToUpper(first.Severity)}}}}
	}
	for _, cwe := range first.CWEs {
		record.Weaknesses = append(record.Weaknesses,
			nvdWeakness{Source: nist, Type: "Primary", Description: []nvdText{{Lang: "en", Value: cwe}}})
	}
	for _, v := range g {
		if v.Package != "" {
			record.Configurations = append(record.Configurations, v.nvdConfiguration())
		}
	}
	return nvdRecord{CVE: record}
}

func (v Vulnerability) nvdConfiguration() nvdConfiguration {
	match := nvdMatch{Vulnerable: true, Criteria: fmt.Sprintf("cpe:2.3:a:%s:*:*:*:*:*:*:*:*", v.Package)}
	for _, bound := range strings.Split(v.Affected, ",") {
		match.bound(strings.TrimSpace(bound))
	}
	if v.Fixed != "" {
		match.VersionEndExcluding = v.Fixed
		match.Fix = &nvdFix{Version: v.Fixed}
		if !v.FixDate.IsZero() {
			match.Fix.Date, match.Fix.Kind = v.FixDate.UTC().Format("2006-01-02"), "advisory"
		}
	}
	return nvdConfiguration{Nodes: []nvdNode{{Operator: "OR", CPEMatch: []nvdMatch{match}}}}
}

// bound takes over one side of a range such as ">=1.0" or "<=2.3".
func (m *nvdMatch) bound(text string) {
	for operator, field := range map[string]*string{
		">=": &m.VersionStartIncluding, "<=": &m.VersionEndIncluding,
	} {
		if version, found := strings.CutPrefix(text, operator); found {
			*field = strings.TrimSpace(version)
			return
		}
	}
	if version, found := strings.CutPrefix(text, "<"); found {
		m.VersionEndExcluding = strings.TrimSpace(version)
	}
}
