package feed

import (
	"cmp"
	"slices"
	"time"
)

// kevRecord is an entry of CISA's catalog of known exploited vulnerabilities.
type kevRecord struct {
	CVE        string `json:"cveID"`
	Name       string `json:"vulnerabilityName"`
	Product    string `json:"product"`
	DateAdded  string `json:"dateAdded"`
	DueDate    string `json:"dueDate"`
	Action     string `json:"requiredAction"`
	Ransomware string `json:"knownRansomwareCampaignUse"`
}

// epssRecord is one score of FIRST's Exploit Prediction Scoring System.
type epssRecord struct {
	CVE        string  `json:"cve"`
	EPSS       float64 `json:"epss"`
	Percentile float64 `json:"percentile"`
	Date       string  `json:"date"`
}

func kevRecordOf(v Vulnerability) any {
	added := v.published()
	return kevRecord{
		CVE: v.cve(), Name: v.Description, Product: v.Package, Ransomware: "Unknown",
		DateAdded: day(added), DueDate: day(added.AddDate(0, 0, 21)),
		Action: "Apply mitigations per vendor instructions.",
	}
}

// epssRecordOf takes the probability for the percentile too: there are too few
// records to rank.
func epssRecordOf(v Vulnerability, date time.Time) any {
	return epssRecord{CVE: v.cve(), EPSS: v.EPSS, Percentile: v.EPSS, Date: day(date)}
}

// oncePerCVE returns the vulnerabilities that are wanted, the first of each CVE,
// sorted by CVE.
func oncePerCVE(vulnerabilities []Vulnerability, wanted func(Vulnerability) bool) []Vulnerability {
	var found []Vulnerability
	for _, v := range vulnerabilities {
		if wanted(v) {
			found = append(found, v)
		}
	}
	slices.SortStableFunc(found, func(a, b Vulnerability) int { return cmp.Compare(a.cve(), b.cve()) })
	return slices.CompactFunc(found, func(a, b Vulnerability) bool { return a.cve() == b.cve() })
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
