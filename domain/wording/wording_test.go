package wording_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/wording"
)

func TestAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		at   time.Time
		want string
	}{
		{"never", time.Time{}, "never"},
		{"seconds", now.Add(-59 * time.Second), "59s ago"},
		{"minutes", now.Add(-119 * time.Second), "1m ago"},
		{"hours", now.Add(-47 * time.Hour), "47h ago"},
		{"days", now.Add(-48 * time.Hour), "2d ago"},
		{"in the future", now.Add(5 * time.Minute), "in 5m"},
		{"a moment after it was in 90 days", now.Add(90*24*time.Hour - time.Second), "in 90d"},
		{"less than half a day short", now.Add(89*24*time.Hour + time.Hour), "in 89d"},
		{"almost an hour", now.Add(time.Hour - time.Second), "in 1h"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := wording.Ago(now, test.at); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"1 tag": wording.Count(1, "tag"), "0 tags": wording.Count(0, "tag"), "2 deliveries": wording.Count(2, "delivery"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
