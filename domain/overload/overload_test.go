package overload_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/overload"
)

func TestFind(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, test := range []struct {
		queue overload.Queue
		want  string
	}{
		{overload.Queue{Kind: overload.FirstChecks}, ""},
		{overload.Queue{Kind: overload.FirstChecks, Waiting: 5000, Since: ago(30 * time.Second), Done: 100}, ""},
		{overload.Queue{Kind: overload.FirstChecks, Waiting: 5000, Since: ago(2 * time.Minute), Done: 6250}, "5,000 tags waiting for their first check, about 4 min"},
		{overload.Queue{Kind: overload.FirstChecks, Waiting: 1, Since: ago(time.Hour)}, "1 tag waiting for its first check, none done in the last 5 min"},
		{overload.Queue{Kind: overload.Checks, Waiting: 1234567, Since: ago(time.Hour), Done: 1000}, "1,234,567 tags overdue for a check, about 103 h"},
		{overload.Queue{Kind: overload.Analyses, Waiting: 40, Since: ago(9 * time.Minute), Done: 20}, ""},
		{overload.Queue{Kind: overload.Analyses, Waiting: 40, Since: ago(10 * time.Minute), Done: 20}, "40 images waiting for analysis, about 10 min"},
		{overload.Queue{Kind: overload.Deliveries, Waiting: 1, Since: ago(time.Minute), Done: 1000}, "1 delivery waiting to be sent, about 1 min"},
	} {
		found, got := overload.Find([]overload.Queue{test.queue}, now), ""
		if len(found) > 0 {
			got = found[0].Text()
		}
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test.queue, got, test.want)
		}
	}
}
