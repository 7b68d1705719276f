package databuild

import (
	"cmp"
	"slices"
	"time"

	"github.com/tagwatch/tagwatch/domain/vuln"
)

// MatcherSeen reports when workers with a matcher were first and last at work.
type MatcherSeen struct {
	Matcher     vuln.Matcher
	First, Last time.Time
}

// MatcherGracePeriod is how long a matcher counts as present after a sign of life.
const MatcherGracePeriod = 10 * time.Minute

// Lead decides whose findings count while workers of two versions are at work,
// as during an upgrade: the one that appeared last, for as long as it is present.
// So an upgrade moves the findings once, however its workers take turns, and a
// return to the version before moves them when the last worker of the newer one
// is gone. It is "" when none is present.
func Lead(matchers []MatcherSeen, now time.Time) vuln.Matcher {
	present := slices.DeleteFunc(slices.Clone(matchers), func(e MatcherSeen) bool { return now.Sub(e.Last) > MatcherGracePeriod })
	if len(present) == 0 {
		return ""
	}
	return slices.MaxFunc(present, func(a, b MatcherSeen) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Matcher, b.Matcher))
	}).Matcher
}
