package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestAffectedByAnyName: a CVE finds the GHSA of the same flaw, and the GHSA
// finds what a distribution says of its CVE; an advisory about several flaws is
// no other name of any of them.
func TestAffectedByAnyName(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		advance(t, s, "", "sha256:g1", nil)
		ids := analyzed(t, s, digest(1), start, "lodash", "node-lodash", "kernel")
		github := finding("GHSA-35jh-r3h4-6jhm", "lodash", vuln.High)
		github.Namespace, github.Related = "github:language:javascript", []vuln.Related{{ID: "CVE-2021-23337"}}
		advisory := finding("ELSA-2026-1", "kernel", vuln.High)
		advisory.Related = []vuln.Related{{ID: "CVE-2021-23337"}, {ID: "CVE-2026-0009"}}
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, map[int64][]vuln.GroupFinding{
			ids["lodash"]: {github}, ids["node-lodash"]: {finding("CVE-2021-23337", "node-lodash", vuln.Low)}, ids["kernel"]: {advisory}}, start))
		tag := target(t, "registry.example/app:a")
		check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(tag, notification.VulnUpdate)}, 0, start))
		check(t, s.Record(ctx, tag, func(watch.RecordView) (watch.Decision, error) {
			return watch.Decision{State: watch.State{Revision: 1, Analyzed: digest(1)}}, nil
		}))
		for name, want := range map[string][]string{
			"CVE-2021-23337":      {"kernel", "lodash", "node-lodash"},
			"ghsa-35jh-R3H4-6jhm": {"kernel", "lodash", "node-lodash"},
			"CVE-2026-0009":       {"kernel"},
			"ELSA-2026-1":         {"kernel"},
			"CVE-1999-0001":       nil,
		} {
			found := must[[]store.AffectedTag](t)(s.Affected(ctx, name))
			var got []string
			for _, tag := range found {
				got = append(got, tag.Package)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}
