package policy

import (
	"cmp"
	"strings"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// noScore stands for a vulnerability without CVSS 3: comparisons such as "<"
// hold for it.
const noScore = -1.0

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

// of is the highest CVSS 3 score, noScore if there is none. NVD's scores are in
// the record itself if it is NVD's, else in the related ones that are; the
// vendor's are in the record itself, unless it is NVD's.
func (s scoreCondition) of(m *vuln.Match) float64 {
	nvd := isNVD(m.Namespace)
	switch {
	case nvd && s.vendor:
		return noScore
	case nvd || s.vendor:
		return s.highest(m.CVSS)
	}
	highest := noScore
	for _, related := range m.Related {
		if isNVD(related.Namespace) {
			highest = max(highest, s.highest(related.CVSS))
		}
	}
	return highest
}

func (s scoreCondition) highest(records []vuln.CVSS) float64 {
	highest := noScore
	for _, record := range records {
		if strings.HasPrefix(record.Version, "3") {
			highest = max(highest, scoreOf(record, s.kind))
		}
	}
	return highest
}

func scoreOf(record vuln.CVSS, kind string) float64 {
	switch kind {
	case "base":
		return record.Base
	case "exploitability":
		return record.Exploitability
	}
	return record.Impact
}
