package vuln

// Score is EPSS's estimate of how likely a CVE is to be exploited within thirty
// days. It is kept once for each CVE and joined to findings when they are read:
// it changes daily for nearly all, and is no news unless it crosses a threshold
// that a subscription names.
type Score struct {
	CVE         string
	Probability float64 // 0 to 1
	Percentile  float64 // share of CVEs that are not likelier, 0 to 1
}

// WithScores returns findings with the probabilities of their flaws.
func WithScores(findings []Finding, scores map[string]Score) []Finding {
	scored := make([]Finding, len(findings))
	for i, f := range findings {
		probability := scores[f.Flaw()].Probability
		f.EPSS = &probability
		scored[i] = f
	}
	return scored
}

// Crosses tells whether a probability lies on the other side of a threshold than
// before; a threshold of 0 divides nothing.
func Crosses(before, after, threshold float64) bool {
	return threshold > 0 && (before >= threshold) != (after >= threshold)
}

// crosses is false while one of the two probabilities is not known.
func (u Update) crosses(threshold float64) bool {
	before, after := u.Previous.EPSS, u.Current.EPSS
	return before != nil && after != nil && Crosses(*before, *after, threshold)
}
