package activities_test

import (
	"context"
	"testing"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// Scores of every generation are those of one CVE, as many as it has packages
// with vulnerabilities.
func (m *matcher) Scores(_ context.Context, checksum string) ([]vuln.Score, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []vuln.Score{{CVE: "CVE-2026-0001", Probability: float64(len(m.data[checksum])) / 10}}, nil
}

// TestScoresFollowTheData without being news.
func TestScoresFollowTheData(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.matcher.knows(checksum(2), "openssl 1", cve("CVE-2026-0001", vuln.Low))
	for number, want := range []float64{1: 0, 2: 0.1, 3: 0} {
		if number == 0 {
			continue
		}
		r.data(number)
		scores, err := r.store.Scores(t.Context(), []string{"CVE-2026-0001"})
		r.must(err)
		if got := scores["CVE-2026-0001"].Probability; got != want {
			t.Errorf("generation %d: probability %g, want %g", number, got, want)
		}
	}
}
