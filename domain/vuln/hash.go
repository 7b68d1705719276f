package vuln

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Hash covers everything about the finding that a vuln_update reports or that policy gates
// read: not texts, references, weaknesses, vectors and the record's own dates.
func (f Finding) Hash() string {
	return hashOf(struct {
		ID, Namespace, URL, Name, Version, Type string
		Refs                                    []string
		Severity                                Severity
		Fix                                     Fix
		Exploited, Ransomware                   bool
		Vendor, NVD                             CVSS3
	}{f.ID, f.Namespace, f.URL, f.Package.Name, f.Package.Version, f.Package.Type,
		f.Refs(), f.Severity, f.Fix, f.KnownExploited, f.Exploitation.inRansomware(), f.VendorCVSS3(), f.NVDCVSS3()})
}

// ContentHash covers everything that the data says about the finding, but not when it was
// first found.
func (f Finding) ContentHash() string {
	f.FirstSeen, f.FixFirstSeen = time.Time{}, time.Time{}
	f.Published, f.Modified = f.Published.UTC(), f.Modified.UTC()
	return hashOf(f)
}

func (f Fix) sorted() Fix {
	f.Versions = slices.Clone(f.Versions)
	slices.Sort(f.Versions)
	return f
}

// JSON writes the fields of a struct in a fixed order.
func hashOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		// Only a score that is not a number gets here; it must not hide other changes.
		text = fmt.Appendf(nil, "%+v", value)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
