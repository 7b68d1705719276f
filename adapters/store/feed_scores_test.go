package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

func TestScores(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		first := []vuln.Score{{CVE: "CVE-2026-0001", Probability: 0.5, Percentile: 0.9}, {CVE: "cve-2026-0002", Probability: 0.1, Percentile: 0.2}}
		check(t, s.SaveScores(t.Context(), first))
		check(t, s.SaveScores(t.Context(), append(first[:1:1], vuln.Score{CVE: "CVE-2026-0003", Probability: 0.25}, vuln.Score{CVE: "CVE-2026-0003", Probability: 1})))
		got := must[map[string]vuln.Score](t)(s.Scores(t.Context(), []string{"cve-2026-0001", "CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003", "GHSA-x"}))
		want := map[string]vuln.Score{"cve-2026-0001": first[0], "CVE-2026-0001": first[0], "CVE-2026-0003": {CVE: "CVE-2026-0003", Probability: 0.25}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("scores (-want +got):\n%s", diff)
		}
		check(t, s.SaveScores(t.Context(), nil))
		if left := must[map[string]vuln.Score](t)(s.Scores(t.Context(), []string{"CVE-2026-0001"})); len(left) > 0 {
			t.Errorf("scores %v are left", left)
		}
	})
}
