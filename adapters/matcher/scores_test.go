package matcher_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

func TestScores(t *testing.T) {
	t.Parallel()
	data := world()
	data.scores = map[string]float64{"CVE-2023-1": 0.9, "CVE-2023-2": 0.1}
	_, dir := data.build(t)
	got, err := open(t, dir).Scores(t.Context())
	must(t, err)
	want := []vuln.Score{{CVE: "CVE-2023-1", Probability: 0.9, Percentile: 0.9}, {CVE: "CVE-2023-2", Probability: 0.1, Percentile: 0.1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scores (-want +got):\n%s", diff)
	}
}
