package policy

import (
	"cmp"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// scoreCondition is a comparison with one score.
type scoreCondition struct {
	name     string // of the parameter
	vendor   bool   // whose score: the vendor's or NVD's
	kind     string // of scoreKinds
	operator string
	limit    float64
}

func scoreConditions(c *check) []scoreCondition {
	var conditions []scoreCondition
	for _, source := range []string{nvdScores, vendorScores} {
		for _, kind := range scoreKinds {
			name := source + kind + "_score"
			limit, given := c.float(name)
			if !given {
				continue
			}
			conditions = append(conditions, scoreCondition{
				name: name, vendor: source == vendorScores, kind: kind, operator: c.value(name + "_comparison"), limit: limit,
			})
		}
	}
	return conditions
}

func (s scoreCondition) holds(m *vuln.Match) bool {
	return orderHolds(cmp.Compare(s.of(m), s.limit), s.operator)
}

// of is the highest CVSS 3 score. Comparisons such as "<" hold where there is
// none.
func (s scoreCondition) of(m *vuln.Match) float64 {
	scores := m.NVDCVSS3()
	if s.vendor {
		scores = m.VendorCVSS3()
	}
	switch s.kind {
	case "base":
		return scores.Base
	case "exploitability":
		return scores.Exploitability
	}
	return scores.Impact
}
