package vuln

// Score is EPSS's estimate of how likely a CVE is to be exploited within thirty
// days. It is kept once for each CVE and joined to findings when they are read:
// it changes daily for nearly all, and is no news.
type Score struct {
	CVE         string
	Probability float64 // 0 to 1
	Percentile  float64 // share of CVEs that are not likelier, 0 to 1
}
