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
	seen := func(engine vuln.Engine, first, last time.Duration) watch.EngineSeen {
		return watch.EngineSeen{Engine: engine, First: ago(first), Last: ago(last)}
	}
	for _, test := range []struct {
		name    string
		engines []watch.EngineSeen
		want    vuln.Engine
	}{
		{"none", nil, ""},
		{"one", []watch.EngineSeen{seen("1", days, 0)}, "1"},
		{"the newer one during an upgrade", []watch.EngineSeen{seen("1", days, 0), seen("2", time.Minute, time.Minute)}, "2"},
		{"whichever way they are listed", []watch.EngineSeen{seen("2", time.Minute, 0), seen("1", days, 0)}, "2"},
		{"the newer one while its worker restarts", []watch.EngineSeen{seen("1", days, 0), seen("2", days/2, watch.EnginePatience)}, "2"},
		{"the older one when the newer is taken back", []watch.EngineSeen{seen("1", days, 0), seen("2", days/2, watch.EnginePatience+1)}, "1"},
		{"the newer one once more", []watch.EngineSeen{seen("1", 2*days, 0), seen("2", days, 0)}, "2"},
		{"one of two that appeared together", []watch.EngineSeen{seen("b", days, 0), seen("a", days, 0)}, "b"},
		{"none that is gone", []watch.EngineSeen{seen("1", days, days/2)}, ""},
	} {
		if got := watch.Lead(test.engines, noon); got != test.want {
			t.Errorf("%s: %q leads, want %q", test.name, got, test.want)
		}
	}
}
