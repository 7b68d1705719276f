package vuln

import "time"

// Finding is a vulnerability of one package. It belongs to the package, however
// many images contain it.
type Finding struct {
	ID        string // of the matched record: CVE-..., GHSA-..., ELSA-...
	Namespace string // grype's, as in "debian:distro:debian:12"
	Package   Package
	Severity  Severity
	Fix       Fix
	URL       string   // of the matched record
	URLs      []string // further references
	CVSS      []CVSS   // of the matched record
	CWEs      []string
	Related   []Related // records about the same vulnerability, as NVD's
	// KnownExploited reports that CISA's catalog lists it.
	KnownExploited bool
	Description    string
	// Published and Modified are the record's own dates; zero if unknown.
	Published, Modified time.Time
	// Hows are the ways in which the match was made, such as "exact-direct-match".
	Hows []string
	// FirstSeen is when this system first matched it to the package;
	// FixFirstSeen when it first saw a fix for it, zero without one.
	FirstSeen, FixFirstSeen time.Time
	// Records are the ids of all records that report it, its own included, sorted;
	// only in a list that was merged.
	Records []string `json:",omitempty"`
	// EPSS is how likely the vulnerability is to be exploited, 0 for one without a
	// score. It changes daily for nearly everything, so it is not stored with the
	// finding but joined for those who ask; nil where nobody does.
	EPSS *float64 `json:",omitempty"`
}

// Package names the package a finding is about.
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
	// Artifact is the id of the image's package (sbom.Package.ID).
	Artifact string
	// Location is sbom.Package.Location of that package.
	Location string
	// Detected is when this image was first known to have the vulnerability;
	// FixObserved when a fix for it was first known, zero without one.
	Detected, FixObserved time.Time
}
