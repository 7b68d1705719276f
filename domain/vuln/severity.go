package vuln

import (
	"fmt"
	"strings"
)

// Severity is how severe a vulnerability is, in grype's and Anchore's terms.
type Severity string

// The severities, ascending.
const (
	Unknown    Severity = "Unknown"
	Negligible Severity = "Negligible"
	Low        Severity = "Low"
	Medium     Severity = "Medium"
	High       Severity = "High"
	Critical   Severity = "Critical"
)

// Severities lists them, ascending.
var Severities = []Severity{Unknown, Negligible, Low, Medium, High, Critical}

// ParseSeverity reads a severity in any case; any other text is Unknown.
func ParseSeverity(text string) Severity {
	for _, s := range Severities {
		if strings.EqualFold(string(s), text) {
			return s
		}
	}
	return Unknown
}

// Rank orders severities; Unknown, and any other text, has rank 0.
func (s Severity) Rank() int {
	for rank, each := range Severities {
		if s == each {
			return rank
		}
	}
	return 0
}

// Counts are the numbers of vulnerabilities by severity.
type Counts struct {
	Critical   int `json:"critical"`
	High       int `json:"high"`
	Medium     int `json:"medium"`
	Low        int `json:"low"`
	Negligible int `json:"negligible"`
	Unknown    int `json:"unknown"`
}

// String is the numbers with their severities, the most severe first.
func (c Counts) String() string {
	return fmt.Sprintf("%d critical, %d high, %d medium, %d low, %d negligible, %d unknown",
		c.Critical, c.High, c.Medium, c.Low, c.Negligible, c.Unknown)
}

// Add counts one vulnerability of that severity.
func (c *Counts) Add(s Severity) {
	switch s {
	case Critical:
		c.Critical++
	case High:
		c.High++
	case Medium:
		c.Medium++
	case Low:
		c.Low++
	case Negligible:
		c.Negligible++
	default:
		c.Unknown++
	}
}

// Total is the number of vulnerabilities of any severity.
func (c Counts) Total() int {
	return c.Critical + c.High + c.Medium + c.Low + c.Negligible + c.Unknown
}
