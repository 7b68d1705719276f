package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// scored makes a build current that has those scores.
func scored(t *testing.T, s *store.Store, from, to string, scores ...vuln.Score) {
	t.Helper()
	check(t, s.SaveBuild(t.Context(), build(to), "", nil, start))
	update := databuild.Advance{From: from, To: to, FromEngine: matcher, Matcher: matcher, Watermark: 1 << 40, Scores: scores}
	if from == "" {
		update.FromEngine = ""
	}
	_, err := s.Advance(t.Context(), update, start)
	check(t, err)
}

func TestScores(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		first := []vuln.Score{{CVE: "CVE-2026-0001", Probability: 0.5, Percentile: 0.9}, {CVE: "cve-2026-0002", Probability: 0.1, Percentile: 0.2}}
		scored(t, s, "", "sha256:g1", first...)
		scored(t, s, "sha256:g1", "sha256:g2", first[0], vuln.Score{CVE: "CVE-2026-0003", Probability: 0.25}, vuln.Score{CVE: "CVE-2026-0003", Probability: 1})
		got := must[map[string]vuln.Score](t)(s.Scores(t.Context(), []string{"cve-2026-0001", "CVE-2026-0001", "CVE-2026-0002", "CVE-2026-0003", "GHSA-x"}))
		want := map[string]vuln.Score{"cve-2026-0001": first[0], "CVE-2026-0001": first[0], "CVE-2026-0003": {CVE: "CVE-2026-0003", Probability: 0.25}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("scores (-want +got):\n%s", diff)
		}
		scored(t, s, "sha256:g2", "sha256:g3")
		if left := must[map[string]vuln.Score](t)(s.Scores(t.Context(), []string{"CVE-2026-0001"})); len(left) > 0 {
			t.Errorf("scores %v are left", left)
		}
	})
}

// TestScoresThatCross affect the tags that hold the vulnerability, once there is
// a subscription that names a threshold.
func TestScoresThatCross(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		scored(t, s, "", "sha256:g1")
		ids := analyzed(t, s, digest(1), at(0), "openssl")
		analyzed(t, s, digest(2), at(0), "zlib")
		ghsa := finding("GHSA-aaaa-bbbb-cccc", "openssl", vuln.High)
		ghsa.Related = []vuln.Related{{ID: "CVE-2026-7"}}
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{ids["openssl"]: {ghsa}}, start))
		holds, lacks := target(t, "holds:1"), target(t, "lacks:1")
		subscribe(t, s, holds, lacks)
		record(t, s, holds, watch.State{Revision: 1, Analyzed: digest(1), Basis: watch.Basis{Matcher: matcher}})
		record(t, s, lacks, watch.State{Revision: 1, Analyzed: digest(2), Basis: watch.Basis{Matcher: matcher}})
		var affected [][]image.Target
		move := func(from, to string, probability float64) {
			scored(t, s, from, to, vuln.Score{CVE: "CVE-2026-7", Probability: probability})
			affected = append(affected, affectedBy(t, s, to))
		}
		move("sha256:g1", "sha256:g2", 0.9) // nobody asks
		asks := newSubscription(lacks, notification.VulnUpdate)
		asks.Options.EPSS = 0.5
		check(t, s.Subscribe(ctx, []subscription.Subscription{asks}, 0, start))
		move("sha256:g2", "sha256:g3", 0.4)
		move("sha256:g3", "sha256:g4", 0.3)
		move("sha256:g4", "sha256:g5", 0.5)
		want := [][]image.Target{{}, {holds}, {}, {holds}}
		if diff := cmp.Diff(want, affected); diff != "" {
			t.Errorf("affected (-want +got):\n%s", diff)
		}
	})
}
