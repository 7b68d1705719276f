package vuln

import (
	"strings"
	"time"
)

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
	// KnownExploited reports that CISA's catalog lists it; Exploitation is what the
	// catalog says, nil where it is not listed.
	KnownExploited bool
	Exploitation   *Exploitation `json:",omitempty"`
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
	// Accepted is the acceptance of its risk, in the list of a tag; nil for none.
	Accepted *Accepted `json:",omitempty"`
}

// Accepted is what a list says of the acceptance that covers a finding.
type Accepted struct {
	ID     int64  `json:"id"`
	Reason string `json:"reason"`
	Owner  string `json:"owner,omitempty"`
	// Until is when it ends; zero for when there is a fix.
	Until time.Time `json:"until,omitzero"`
}

// HasFix reports that the data names a version with a fix.
func (f Finding) HasFix() bool { return len(f.Fix.Versions) > 0 || f.Fix.State == FixKnown }

// BaseScore is the highest CVSS base score of the records, 0 without one.
func (f Finding) BaseScore() (score float64) {
	for _, c := range f.CVSS {
		score = max(score, c.Base)
	}
	for _, r := range f.Related {
		for _, c := range r.CVSS {
			score = max(score, c.Base)
		}
	}
	return score
}

// Exploitation is what CISA's catalog of known exploited vulnerabilities says of one.
type Exploitation struct {
	Added time.Time `json:"added,omitzero"` // to the catalog
	Due   time.Time `json:"due,omitzero"`   // by when agencies must have remedied it
	// Ransomware is the catalog's word on its use in ransomware campaigns: "known" or
	// "unknown".
	Ransomware string `json:"ransomware,omitempty"`
	// Notified is when the subscribers of a tag were first notified that it is
	// exploited; zero before that, and where a list is not that of a tag.
	Notified time.Time `json:"notified,omitzero"`
}

// inRansomware reports that the vulnerability is used in ransomware campaigns.
func (e *Exploitation) inRansomware() bool {
	return e != nil && strings.EqualFold(e.Ransomware, "known")
}

// BecameExploited reports that exploitation is news of the update.
func (u Update) BecameExploited() bool { return u.Current.KnownExploited && !u.Previous.KnownExploited }

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
