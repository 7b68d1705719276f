package polling_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
)

func TestMovedComparesWithWhatIsRecorded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		before polling.Check
		seen   image.Digest
		silent bool
		want   bool
	}{
		"nothing moved":                      {polling.Check{Seen: "a", Recorded: "a"}, "a", false, false},
		"moved":                              {polling.Check{Seen: "a", Recorded: "a"}, "b", false, true},
		"woken in vain":                      {polling.Check{Seen: "b", Recorded: "a"}, "b", false, true},
		"found by the watcher itself":        {polling.Check{Seen: "a", Recorded: "b"}, "b", false, false},
		"gone":                               {polling.Check{Seen: "a", Recorded: "a"}, "", false, true},
		"gone before it was recorded":        {polling.Check{Seen: "a"}, "", false, true},
		"still gone":                         {polling.Check{Seen: "", Recorded: "a", Failing: true}, "", false, false},
		"back":                               {polling.Check{Seen: "", Recorded: "a", Failing: true}, "a", false, true},
		"the watcher tries again by itself":  {polling.Check{Seen: "b", Recorded: "a", Failing: true}, "b", false, false},
		"not recorded yet":                   {polling.Check{Seen: "a"}, "a", false, false},
		"first check":                        {polling.Check{}, "a", false, true},
		"first check before the watcher":     {polling.Check{Unstarted: true}, "a", false, false},
		"moved before the watcher":           {polling.Check{Unstarted: true, Recorded: "a"}, "b", false, true},
		"no answer, and an old one recorded": {polling.Check{Seen: "a", Recorded: "b"}, "a", true, false},
	} {
		after := test.before
		if after.Seen = test.seen; !test.silent {
			after.Answered = now
		}
		if got := after.Moved(test.before); got != test.want {
			t.Errorf("%s: moved %t, want %t", name, got, test.want)
		}
	}
}
