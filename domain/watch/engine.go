package watch

import (
	"cmp"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// EngineSeen tells when workers with a matcher were first and last at work.
type EngineSeen struct {
	Engine      vuln.Engine
	First, Last time.Time
}

// EnginePatience is how long a matcher counts as present after a sign of life.
const EnginePatience = 10 * time.Minute

// Lead decides whose findings count while workers of two versions are at work,
// as during an upgrade: the one that appeared last, for as long as it is present.
// So an upgrade moves the findings once, however its workers take turns, and a
// return to the version before moves them when the last worker of the newer one
// is gone. It is "" when none is present.
func Lead(engines []EngineSeen, now time.Time) vuln.Engine {
	present := slices.DeleteFunc(slices.Clone(engines), func(e EngineSeen) bool { return now.Sub(e.Last) > EnginePatience })
	if len(present) == 0 {
		return ""
	}
	return slices.MaxFunc(present, func(a, b EngineSeen) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Engine, b.Engine))
	}).Engine
}
