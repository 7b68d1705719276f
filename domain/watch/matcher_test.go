package watch_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

func TestLead(t *testing.T) {
	t.Parallel()
	days, ago := 24*time.Hour, func(d time.Duration) time.Time { return noon.Add(-d) }
	seen := func(matcher vuln.Matcher, first, last time.Duration) watch.MatcherSeen {
		return watch.MatcherSeen{Matcher: matcher, First: ago(first), Last: ago(last)}
	}
	for _, test := range []struct {
		name     string
		matchers []watch.MatcherSeen
		want     vuln.Matcher
	}{
		{"none", nil, ""},
		{"one", []watch.MatcherSeen{seen("1", days, 0)}, "1"},
		{"the newer one during an upgrade", []watch.MatcherSeen{seen("1", days, 0), seen("2", time.Minute, time.Minute)}, "2"},
		{"whichever way they are listed", []watch.MatcherSeen{seen("2", time.Minute, 0), seen("1", days, 0)}, "2"},
		{"the newer one while its worker restarts", []watch.MatcherSeen{seen("1", days, 0), seen("2", days/2, watch.MatcherGracePeriod)}, "2"},
		{"the older one when the newer is taken back", []watch.MatcherSeen{seen("1", days, 0), seen("2", days/2, watch.MatcherGracePeriod+1)}, "1"},
		{"the newer one once more", []watch.MatcherSeen{seen("1", 2*days, 0), seen("2", days, 0)}, "2"},
		{"one of two that appeared together", []watch.MatcherSeen{seen("b", days, 0), seen("a", days, 0)}, "b"},
		{"none that is gone", []watch.MatcherSeen{seen("1", days, days/2)}, ""},
	} {
		if got := watch.Lead(test.matchers, noon); got != test.want {
			t.Errorf("%s: %q leads, want %q", test.name, got, test.want)
		}
	}
}
