package vuln

import (
	"slices"
	"strings"
)

// Score is EPSS's estimate of the probability that a CVE is exploited within thirty days.
// It is stored once for each CVE and joined to findings when they are read: it changes
// daily for nearly all, and counts as a change only if it crosses the threshold of a
// subscription or of a filter.
type Score struct {
	CVE         string
	Probability float64 // 0 to 1
	Percentile  float64 // share of CVEs that are not likelier, 0 to 1
}

// WithScores returns findings with the probabilities of their vulnerabilities.
func WithScores(findings []Finding, scores map[string]Score) []Finding {
	scored := make([]Finding, len(findings))
	for i, f := range findings {
		probability := scores[f.Key()].Probability
		f.EPSS = &probability
		scored[i] = f
	}
	return scored
}

// Crosses reports whether a probability crossed a threshold; nothing crosses 0.
func Crosses(before, after, threshold float64) bool {
	return threshold > 0 && (before >= threshold) != (after >= threshold)
}

// Crosses reports whether the probability crossed one of the thresholds; false if one of the
// two was not joined.
func (u Update) Crosses(thresholds []float64) bool {
	before, after := u.Previous.EPSS, u.Current.EPSS
	return before != nil && after != nil && slices.ContainsFunc(thresholds, func(at float64) bool { return Crosses(*before, *after, at) })
}

// NoScore stands for a vulnerability without a CVSS 3 score.
const NoScore = -1.0

// CVSS3 are the highest CVSS 3 scores of some records, each by itself; NoScore for none.
type CVSS3 struct{ Base, Exploitability, Impact float64 }

// VendorCVSS3 are the scores in the finding's own record, unless it is NVD's.
func (f Finding) VendorCVSS3() CVSS3 {
	if isNVD(f.Namespace) {
		return highest(nil)
	}
	return highest(f.CVSS)
}

// NVDCVSS3 are NVD's scores: in the finding's own record if it is NVD's, else in
// the related ones that are.
func (f Finding) NVDCVSS3() CVSS3 {
	if isNVD(f.Namespace) {
		return highest(f.CVSS)
	}
	var scores []CVSS
	for _, r := range f.Related {
		if isNVD(r.Namespace) {
			scores = append(scores, r.CVSS...)
		}
	}
	return highest(scores)
}

func highest(scores []CVSS) CVSS3 {
	top := CVSS3{NoScore, NoScore, NoScore}
	for _, s := range scores {
		if strings.HasPrefix(s.Version, "3") {
			top = CVSS3{max(top.Base, s.Base), max(top.Exploitability, s.Exploitability), max(top.Impact, s.Impact)}
		}
	}
	return top
}
