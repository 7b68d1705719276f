package vuln

import "time"

// Finding is a vulnerability of one package. It belongs to the package, however
// many images contain it.
type Finding struct {
	ID             string // of the matched record: CVE-..., GHSA-..., ELSA-...
	Namespace      string // grype's, as in "debian:distro:debian:12"
	Package        Package
	Severity       Severity
	Fix            Fix
	URL            string   // of the matched record
	URLs           []string // further references
	CVSS           []CVSS   // of the matched record
	CWEs           []string
	Related        []Related // records about the same vulnerability, as NVD's
	KnownExploited bool      // listed in CISA's catalog
	Description    string
	// Published and Modified are the record's own dates; zero if unknown.
	Published, Modified time.Time
	Hows                []string // kinds of the match, such as "exact-direct-match"
	// FirstSeen is when this system first matched it to the package;
	// FixFirstSeen when it first saw a fix for it, zero without one.
	FirstSeen, FixFirstSeen time.Time
	// Records are the ids of all records that report it, its own included, sorted;
	// only in a list that was merged.
	Records []string `json:",omitempty"`
	// EPSS is the probability of exploitation, 0 without a score. It changes daily for
	// nearly all, so it is not stored with the finding; nil where it was not joined.
	EPSS *float64 `json:",omitempty"`
}

// Package is the package of a finding.
type Package struct {
	Name    string
	Version string
	Type    string // syft's type
	PURL    string
}

// FixState is grype's word for whether there is a fix.
type FixState string

// The fix states.
const (
	FixUnknown FixState = "unknown"
	FixKnown   FixState = "fixed"
	FixNone    FixState = "not-fixed"
	FixWont    FixState = "wont-fix"
)

// Fix says in which versions the vulnerability is fixed.
type Fix struct {
	State    FixState
	Versions []string
}

// CVSS is one score of a record.
type CVSS struct {
	Source         string
	Version        string // as in "3.1"
	Vector         string
	Base           float64
	Exploitability float64
	Impact         float64
}

// Related is another record about the same vulnerability.
type Related struct {
	ID        string
	Namespace string
	Severity  Severity
	URL       string
	CVSS      []CVSS
}

// Match is a finding in an image, at one place.
type Match struct {
	Finding
	Artifact string // sbom.Package.ID of the image's package
	Location string // sbom.Package.Location of it
	// Detected is when the vulnerability was first found in this image; FixObserved when
	// a fix for it was first found, zero without one.
	Detected, FixObserved time.Time
}
