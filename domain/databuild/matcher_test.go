package databuild_test

import (
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestLead(t *testing.T) {
	t.Parallel()
	days, ago := 24*time.Hour, func(d time.Duration) time.Time { return noon.Add(-d) }
	seen := func(matcher vuln.Matcher, first, last time.Duration) databuild.MatcherSeen {
		return databuild.MatcherSeen{Matcher: matcher, First: ago(first), Last: ago(last)}
	}
	for _, test := range []struct {
		name     string
		matchers []databuild.MatcherSeen
		want     vuln.Matcher
	}{
		{"none", nil, ""},
		{"one", []databuild.MatcherSeen{seen("1", days, 0)}, "1"},
		{"the newer one during an upgrade", []databuild.MatcherSeen{seen("1", days, 0), seen("2", time.Minute, time.Minute)}, "2"},
		{"whichever way they are listed", []databuild.MatcherSeen{seen("2", time.Minute, 0), seen("1", days, 0)}, "2"},
		{"the newer one while its worker restarts", []databuild.MatcherSeen{seen("1", days, 0), seen("2", days/2, databuild.MatcherGracePeriod)}, "2"},
		{"the older one when the newer is taken back", []databuild.MatcherSeen{seen("1", days, 0), seen("2", days/2, databuild.MatcherGracePeriod+1)}, "1"},
		{"the newer one once more", []databuild.MatcherSeen{seen("1", 2*days, 0), seen("2", days, 0)}, "2"},
		{"one of two that appeared together", []databuild.MatcherSeen{seen("b", days, 0), seen("a", days, 0)}, "b"},
		{"none that is gone", []databuild.MatcherSeen{seen("1", days, days/2)}, ""},
	} {
		if got := databuild.Lead(test.matchers, noon); got != test.want {
			t.Errorf("%s: %q leads, want %q", test.name, got, test.want)
		}
	}
}
