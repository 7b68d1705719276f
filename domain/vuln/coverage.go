package vuln

import (
	"slices"
	"strings"
	"time"
)

// Distribution is the distribution of an image, or of a group of packages, in the
// matcher's own encoding: everything that decides which data applies to its packages.
// Empty if there are no packages of a distribution.
type Distribution string

// Coverage reports whether a data build has records about the distribution of an image.
// Without them, an empty list of findings does not mean that its packages are safe.
type Coverage struct {
	State CoverageState `json:"state"`
	// Distribution is its name, as in "debian 10"; empty if the image names none.
	Distribution string `json:"distribution,omitempty"`
	Reason       string `json:"reason,omitempty"` // why it is not covered
	// EndOfLife is from when the distribution gets no more security updates; zero if
	// the data does not say.
	EndOfLife time.Time `json:"end_of_life,omitzero"`
}

// CoverageState is Coverage in one word; empty before the first match.
type CoverageState string

// The coverage states.
const (
	// Covered: the data has records about this release of the distribution.
	Covered CoverageState = "covered"
	// NotCovered: it has none, or the release of the distribution is unknown.
	NotCovered CoverageState = "not_covered"
	// NotApplicable: the image names no distribution and has no packages of one.
	// Packages of programming languages have data of their own.
	NotApplicable CoverageState = "not_applicable"
)

// Missing reports whether the packages of the distribution are not covered.
func (c Coverage) Missing() bool { return c.State == NotCovered }

// String says in one line why the distribution is not covered; it is empty unless it is
// Missing.
func (c Coverage) String() string {
	if !c.Missing() {
		return ""
	}
	return strings.TrimSuffix("not covered: "+c.Reason, ": ")
}

// Ended reports that the distribution is past its end of life. Its vendor publishes
// neither fixes nor, usually, vulnerabilities any more.
func (c Coverage) Ended(now time.Time) bool { return !c.EndOfLife.IsZero() && !now.Before(c.EndOfLife) }

// Incomplete says in one line why the data may not have all vulnerabilities of the
// distribution's packages; it is empty if there is no reason to think so.
func (c Coverage) Incomplete(now time.Time) string {
	text := c.String()
	if c.Ended(now) {
		text += "; " + c.Distribution + " reached its end of life on " + c.EndOfLife.UTC().Format(time.DateOnly) + ", data may be incomplete"
	}
	return strings.TrimPrefix(text, "; ")
}

// OfDistribution reports whether the finding comes from a distribution's own data,
// and not from data about a language's packages or about products.
func (f Finding) OfDistribution() bool { return strings.Contains(f.Namespace, ":distro:") }

// Uncovered splits findings that are no longer in a list: one of a distribution that is
// not covered may not be gone.
func (c Coverage) Uncovered(removed []Finding) (gone, notCovered []Finding) {
	if !c.Missing() {
		return removed, nil
	}
	for _, f := range removed {
		if f.OfDistribution() {
			notCovered = append(notCovered, f)
		} else {
			gone = append(gone, f)
		}
	}
	return gone, notCovered
}

// KeepUncovered adds the previous findings of a group whose distribution is not covered:
// that a publisher dropped a distribution does not fix anything.
func KeepUncovered(previous, found []GroupFinding) []GroupFinding {
	kept := slices.Clone(found)
	for _, before := range previous {
		again := slices.ContainsFunc(found, func(f GroupFinding) bool { return f.Member == before.Member && f.ID == before.ID })
		if before.OfDistribution() && !again {
			kept = append(kept, before)
		}
	}
	return kept
}
