package vuln

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Hash covers what is news about the finding: its identity, severity, fix and
// whether it is exploited. Texts, references, scores and dates are not news.
func (f Finding) Hash() string {
	return hashOf(struct {
		Identity Identity
		Severity Severity
		Fix      Fix
		Exploit  bool
	}{f.Identity(), f.Severity, f.Fix.sorted(), f.KnownExploited})
}

// ContentHash covers everything that the data say about the finding. When this
// system first saw it is no part of it.
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

// hashOf hashes plain data: JSON writes the fields of a struct in one order.
func hashOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		// A score that is no number is the only way; it must not hide other changes.
		text = fmt.Appendf(nil, "%+v", value)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
