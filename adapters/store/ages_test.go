package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// alias makes a finding known under other names.
func alias(f vuln.GroupFinding, names ...string) vuln.GroupFinding {
	for _, name := range names {
		f.Related = append(f.Related[:len(f.Related):len(f.Related)], vuln.Related{ID: name})
	}
	return f
}

// TestAgesBelongToTheVulnerability: whatever record reports it, a vulnerability and
// its fix are as old as when they were first seen under any of their names.
func TestAgesBelongToTheVulnerability(t *testing.T) {
	ghsa := fixed(finding("GHSA-1", "openssl", vuln.High))
	silent := finding("CVE-1", "openssl", vuln.High)
	silent.Fix.State = vuln.FixUnknown
	advisory := fixed(finding("ELSA-1", "openssl", vuln.High))
	type found = []vuln.GroupFinding
	tests := map[string][]struct {
		found        found
		id           string // whose age it is
		first, fixed int    // minutes; negative for none
	}{
		"its CVE becomes known": {
			{found{ghsa}, "GHSA-1", 0, 0},
			{found{alias(ghsa, "CVE-1")}, "GHSA-1", 0, 0},
			{found{fixed(silent)}, "CVE-1", 0, 0},
		},
		"reissued under another id": {
			{found{alias(ghsa, "CVE-1")}, "GHSA-1", 0, 0},
			{found{alias(fixed(finding("GO-1", "openssl", vuln.High)), "cve-1")}, "GO-1", 0, 0},
			{found{alias(fixed(finding("GO-2", "openssl", vuln.High)), "go-1")}, "GO-2", 0, 0},
		},
		"withdrawn for a while": {
			{found{alias(ghsa, "CVE-1")}, "GHSA-1", 0, 0},
			{nil, "", -1, -1},
			{found{silent}, "CVE-1", 0, -1},
			{found{alias(fixed(finding("GO-1", "openssl", vuln.High)), "CVE-1")}, "GO-1", 0, 0},
		},
		"another record beside it connects it with an older one": {
			{found{alias(ghsa, "CVE-1")}, "GHSA-1", 0, 0},
			{found{fixed(finding("GO-2", "openssl", vuln.High))}, "GO-2", 1, 1},
			{found{fixed(finding("GO-2", "openssl", vuln.High)), alias(fixed(finding("OSV-3", "openssl", vuln.High)), "GO-2", "CVE-1")}, "GO-2", 0, 0},
		},
		"the same id of something else": {
			{found{ghsa}, "GHSA-1", 0, 0},
			{found{fixed(silent)}, "CVE-1", 1, 1},
		},
		"an advisory is reissued": {
			{found{alias(advisory, "CVE-1", "CVE-2")}, "ELSA-1", 0, 0},
			{found{alias(fixed(finding("ELSA-2", "openssl", vuln.High)), "CVE-1", "CVE-2")}, "ELSA-2", 0, 0},
			{found{fixed(silent)}, "CVE-1", 0, 0},
		},
		"an advisory makes nothing older that it covers": {
			{found{alias(ghsa, "CVE-1")}, "GHSA-1", 0, 0},
			{found{alias(advisory, "CVE-1", "CVE-2")}, "ELSA-1", 0, 0},
			{found{fixed(finding("CVE-2", "openssl", vuln.High))}, "CVE-2", 1, 1},
		},
		"a fix that is withdrawn": {
			{found{alias(ghsa, "CVE-1")}, "GHSA-1", 0, 0},
			{found{alias(finding("GHSA-1", "openssl", vuln.High), "CVE-1")}, "GHSA-1", 0, -1},
			{found{fixed(silent)}, "CVE-1", 0, 2},
		},
	}
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		number := 0
		advance(t, s, "", "sha256:g0", nil)
		for name, steps := range tests {
			id := analyzed(t, s, digest(number), at(0), name)[name]
			for minute, step := range steps {
				from, to := fmt.Sprintf("sha256:g%d", number), fmt.Sprintf("sha256:g%d", number+1)
				number++
				check(t, s.SaveBuild(ctx, build(to), "", nil, at(minute)))
				_, err := move(t, s, databuild.Advance{From: from, To: to, FromEngine: matcher, Matcher: matcher, Watermark: 1 << 40},
					map[int64][]vuln.GroupFinding{id: step.found}, at(minute))
				check(t, err)
				stored, err := s.CurrentFindings(ctx, []int64{id})
				check(t, err)
				for _, f := range stored[id] {
					if f.ID == step.id && (!f.FirstSeen.Equal(minuteOf(step.first)) || !f.FixFirstSeen.Equal(minuteOf(step.fixed))) {
						t.Errorf("%s, step %d: %s first seen %s, fix %s", name, minute, f.ID, f.FirstSeen, f.FixFirstSeen)
					}
				}
			}
		}
	})
}

func minuteOf(n int) time.Time {
	if n < 0 {
		return time.Time{}
	}
	return at(n)
}
