package vuln

import (
	"slices"
	"strings"
)

// Distribution is the distribution of an image, or of a group of packages, in
// the matcher's own encoding: everything that decides which data applies to its
// packages. Empty: there is nothing that such data could be about.
type Distribution string

// Coverage reports whether a data build has anything about the distribution of an
// image. Without, that nothing was found in the packages of the distribution
// says nothing about them.
type Coverage struct {
	State CoverageState `json:"state"`
	// Distribution is the name of the distribution, as in "debian 10"; empty if
	// the image does not say.
	Distribution string `json:"distribution,omitempty"`
	// Reason is why it is not covered, in a few words.
	Reason string `json:"reason,omitempty"`
}

// CoverageState is the answer in one word; empty before the first look-up.
type CoverageState string

// The coverage states.
const (
	// Covered: the data has records about this release of the distribution.
	Covered CoverageState = "covered"
	// NotCovered: it has none, or it cannot be notified which would apply.
	NotCovered CoverageState = "not_covered"
	// NotApplicable: the image names no distribution and has no packages of one.
	// Packages of programming languages have data of their own.
	NotApplicable CoverageState = "not_applicable"
)

// Missing reports that the packages of the distribution are not covered.
func (c Coverage) Missing() bool { return c.State == NotCovered }

// String says in one line that the distribution is not covered, and why; it is
// empty unless it is Missing.
func (c Coverage) String() string {
	if !c.Missing() {
		return ""
	}
	return strings.TrimSuffix("not covered: "+c.Reason, ": ")
}

// OfDistribution reports whether the finding comes from a distribution's own data,
// and not from data about a language's packages or about products.
func (f Finding) OfDistribution() bool { return strings.Contains(f.Namespace, ":distro:") }

// Uncovered splits findings that are no longer in a list: a finding of a
// distribution that is not covered is not gone, nobody knows.
func (c Coverage) Uncovered(removed []Finding) (gone, unknown []Finding) {
	if !c.Missing() {
		return removed, nil
	}
	for _, f := range removed {
		if f.OfDistribution() {
			unknown = append(unknown, f)
		} else {
			gone = append(gone, f)
		}
	}
	return gone, unknown
}

// KeepUncovered adds to what was found of a group whose distribution is not
// covered what was known of it before: that a publisher has dropped a
// distribution does not fix anything.
func KeepUncovered(known, found []GroupFinding) []GroupFinding {
	kept := slices.Clone(found)
	for _, before := range known {
		again := slices.ContainsFunc(found, func(f GroupFinding) bool { return f.Member == before.Member && f.ID == before.ID })
		if before.OfDistribution() && !again {
			kept = append(kept, before)
		}
	}
	return kept
}
