package matcher_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/matcher"
	"github.com/tagwatch/tagwatch/domain/vuln"
)

// TestAnswersDoNotDependOnEarlierOnes matches packages in several orders with one
// database, whose readers remember, and each with a database of its own.
func TestAnswersDoNotDependOnEarlierOnes(t *testing.T) {
	t.Parallel()
	_, dir := world().build(t)
	var groups []vuln.Group
	for _, document := range images(t) {
		found, _, err := matcher.Groups(document)
		must(t, err)
		groups = append(groups, found...)
	}
	want := map[string][]vuln.GroupFinding{}
	for _, group := range groups {
		found, err := open(t, dir).Match(t.Context(), []vuln.Group{group})
		must(t, err)
		want[group.Fingerprint] = found[0]
	}
	db := open(t, dir)
	for range 3 {
		slices.Reverse(groups)
		found, err := db.Match(t.Context(), append(groups, groups...))
		must(t, err)
		for i, findings := range found {
			group := groups[i%len(groups)]
			if diff := cmp.Diff(want[group.Fingerprint], findings); diff != "" {
				t.Errorf("%v, matched after others (-alone +after):\n%s", group.Keys, diff)
			}
		}
	}
}
