package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/domain/sbom"
)

func TestDistroEndOfLife(t *testing.T) {
	t.Parallel()
	fires := []string{"Distribution debian:10 reaches its end of life on 2026-06-03"}
	end := time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		end    time.Time
		now    time.Time
		params []string
		want   []string
		next   time.Time
	}{
		{"not known", time.Time{}, noon, nil, nil, time.Time{}},
		{"ahead", end, noon, nil, nil, end},
		{"a second ahead", end, end.Add(-time.Second), nil, nil, end},
		{"reached", end, end, nil, fires, time.Time{}},
		{"past", end, end.AddDate(1, 0, 0), nil, fires, time.Time{}},
		{"ahead by more days", end, noon, []string{"days_before", "1"}, nil, end.AddDate(0, 0, -1)},
		{"ahead by fewer days", end, noon, []string{"days_before", "2"}, fires, time.Time{}},
		{"very many days", end, noon, []string{"days_before", "9223372036854775807"}, fires, time.Time{}},
	} {
		s := withImage(sbom.Inventory{Distro: sbom.Distro{ID: "debian", VersionID: "10"}})
		s.Feed.Coverage.EndOfLife = test.end
		rule := policyOf("p", ruleOf("r", "distro", "end_of_life", "STOP", test.params...))
		got := evaluate(t, parse(t, parts{policies: rule}.document()), s, test.now)
		if diff := cmp.Diff(test.want, messagesOf(got.Rows)); diff != "" || !got.Next.Equal(test.next) {
			t.Errorf("%s: changes at %s, want %s; messages (-want +got)\n%s", test.name, got.Next, test.next, diff)
		}
		for _, row := range got.Rows {
			if row.TriggerID != "debian:10" {
				t.Errorf("%s: trigger id %s", test.name, row.TriggerID)
			}
		}
	}
}
