package activities_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	labfeed "github.com/tagwatch/tagwatch/lab/feed"
)

// knowledge is data about the packages of the images of the property test, of
// each kind that matters.
type knowledge []labfeed.Vulnerability

func firstKnowledge() knowledge {
	return knowledge{
		{Provider: labfeed.NVD, ID: "CVE-2024-0001", Severity: "Critical", CWEs: []string{"CWE-79"}, Description: "one"},
		{Provider: labfeed.NVD, ID: "CVE-2024-0002", Severity: "High"},
		{Provider: labfeed.NVD, ID: "CVE-2024-0003", Package: "redis:redis", Affected: "<7.0.5", Severity: "High"},
		{Provider: labfeed.NVD, ID: "CVE-2024-0004", Package: "busybox:busybox", Affected: "<2.0.0", Severity: "Low"},
		{Provider: labfeed.Debian, ID: "CVE-2024-0001", Package: "openssl", Fixed: "3.0.11-1", Severity: "High"},
		{Provider: labfeed.Debian, ID: "CVE-2024-0002", Package: "zlib", FixState: labfeed.WontFix, Severity: "Medium", KnownExploited: true, EPSS: 0.2},
		{Provider: labfeed.Debian, ID: "CVE-2024-0005", Package: "python-django", Fixed: "3:3.2.19-1+deb12u2", Severity: "Low"},
		{Provider: labfeed.GitHub, ID: "GHSA-aaaa-aaaa-0001", Package: "lodash", Ecosystem: "npm", Fixed: "4.17.21", Severity: "High", Aliases: []string{"CVE-2024-0006"}},
		{Provider: labfeed.GitHub, ID: "GHSA-aaaa-aaaa-0002", Package: "lodash", Ecosystem: "npm", Affected: "<5.0.0", Severity: "Medium", Withdrawn: true},
		{Provider: labfeed.GitHub, ID: "GHSA-aaaa-aaaa-0003", Package: "django", Ecosystem: "python", Fixed: "4.1", Severity: "High", Aliases: []string{"CVE-2024-0005"}},
		{Provider: labfeed.GitHub, ID: "GHSA-aaaa-aaaa-0004", Package: "requests", Ecosystem: "python", Fixed: "2.32.0", Severity: "Medium", Aliases: []string{"CVE-2024-0007"}},
		{Provider: labfeed.Alpine, ID: "CVE-2024-0007", Package: "py3-requests", Fixed: "2.30.0-r0"},
		{Provider: labfeed.Alpine, ID: "CVE-2024-0008", Package: "openssl", Fixed: "3.3.1-r0", Severity: "High"},
		// One of each provider that no edit touches: a provider must not vanish.
		{Provider: labfeed.Debian, ID: "CVE-2020-0001", Package: "elsewhere", Severity: "Low", KnownExploited: true, EPSS: 0.1},
		{Provider: labfeed.GitHub, ID: "GHSA-zzzz-zzzz-0001", Package: "elsewhere", Ecosystem: "npm", Severity: "Low"},
		{Provider: labfeed.Alpine, ID: "CVE-2020-0001", Package: "elsewhere", Fixed: "1.0-r0"},
		{Provider: labfeed.NVD, ID: "CVE-2020-0001", Severity: "Low"},
	}
}

const untouched = 4

// feedEdit is a kind of change that publishers make. It returns false where the
// chosen record has no such thing.
type feedEdit struct {
	name  string
	apply func(*knowledge, int, *rand.Rand) bool
}

var feedEdits = []feedEdit{
	{"fix", func(k *knowledge, at int, _ *rand.Rand) bool {
		record := &(*k)[at]
		if record.Fixed == "" || record.FixState != "" {
			return false
		}
		record.Fixed += "1"
		return true
	}},
	{"range", func(k *knowledge, at int, r *rand.Rand) bool {
		record := &(*k)[at]
		if record.Provider != labfeed.GitHub && record.Package != "redis:redis" {
			return false
		}
		record.Affected = []string{"<0.0.1", "<999.0.0", ">=1.0.0,<6.0.0"}[r.IntN(3)]
		return true
	}},
	{"row gone", func(k *knowledge, at int, _ *rand.Rand) bool {
		*k = slices.Delete(*k, at, at+1)
		return true
	}},
	{"new", func(k *knowledge, at int, r *rand.Rand) bool {
		record := (*k)[at]
		if record.Provider == labfeed.GitHub || record.Package == "" {
			return false
		}
		record.ID = fmt.Sprintf("CVE-2026-%04d", r.IntN(10000))
		*k = append(knowledge{record}, *k...)
		return true
	}},
	{"rejected", func(k *knowledge, at int, _ *rand.Rand) bool {
		record := &(*k)[at]
		record.Withdrawn = !record.Withdrawn && (record.Provider == labfeed.GitHub || record.Provider == labfeed.NVD)
		return true
	}},
	{"severity", func(k *knowledge, at int, r *rand.Rand) bool {
		(*k)[at].Severity = []string{"Low", "Medium", "High", "Critical"}[r.IntN(4)]
		return true
	}},
	{"related record", func(k *knowledge, at int, r *rand.Rand) bool {
		record := &(*k)[at]
		if record.Provider != labfeed.NVD || record.Package != "" {
			return false
		}
		record.Severity = []string{"Low", "High", "Critical"}[r.IntN(3)]
		record.Description += " more"
		return true
	}},
	{"known exploited", func(k *knowledge, at int, _ *rand.Rand) bool {
		record := &(*k)[at]
		if record.Provider == labfeed.GitHub && len(record.Aliases) == 0 {
			return false
		}
		record.KnownExploited = !record.KnownExploited
		return true
	}},
	{"weakness", func(k *knowledge, at int, r *rand.Rand) bool {
		(*k)[at].CWEs = [][]string{nil, {"CWE-79"}, {"CWE-1"}}[r.IntN(3)]
		return (*k)[at].Provider == labfeed.NVD
	}},
	{"not affected", func(k *knowledge, at int, _ *rand.Rand) bool {
		record := &(*k)[at]
		if record.Provider != labfeed.Debian {
			return false
		}
		record.FixState, record.Fixed = labfeed.NotAffected, ""
		return true
	}},
	{"won't fix", func(k *knowledge, at int, _ *rand.Rand) bool {
		record := &(*k)[at]
		if record.Provider != labfeed.Debian {
			return false
		}
		record.FixState, record.Fixed = labfeed.WontFix, ""
		return true
	}},
	{"score", func(k *knowledge, at int, r *rand.Rand) bool {
		record := &(*k)[at]
		record.EPSS = 0
		if record.Provider != labfeed.GitHub || len(record.Aliases) > 0 {
			record.EPSS = r.Float64()
		}
		return true
	}},
}

// edited is the data with an edit of some record that has what it changes.
func (k knowledge) edited(edit feedEdit, r *rand.Rand) knowledge {
	for range 100 {
		next := slices.Clone(k)
		if edit.apply(&next, r.IntN(len(k)-untouched), r) {
			return next
		}
	}
	return k // no such record is left
}
