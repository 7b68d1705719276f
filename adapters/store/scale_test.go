package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestManyTargets keeps the work of lists and polls in proportion to what they
// return. Work that grows with the square of the targets would not come to an
// end within the test's time.
func TestManyTargets(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		many := 10_000
		if testing.Short() { // still several pages of each kind
			many = 2500
		}
		subs := make([]subscription.Subscription, many)
		for i := range subs {
			subs[i] = newSubscription(target(t, fmt.Sprintf("registry.example/team-%03d/app:v%d", i%500, i)), notification.VulnUpdate)
		}
		check(t, s.Subscribe(ctx, subs, time.Minute, start))

		listed := 0
		filter := subscription.TargetFilter{Limit: 1000}
		for {
			page := must[[]image.Target](t)(s.Targets(ctx, filter))
			if len(page) == 0 {
				break
			}
			listed, filter.After = listed+len(page), page[len(page)-1].String()
		}
		polled := 0
		for {
			due := must[[]polling.Check](t)(s.Due(ctx, "registry.example", at(0), 500))
			if len(due) == 0 {
				break
			}
			for i := range due {
				due[i].Seen, due[i].Next = digest(polled+i), at(1)
			}
			check(t, s.Checked(ctx, due))
			polled += len(due)
		}
		summaries := must[[]watch.Summary](t)(s.Summaries(ctx, subscription.TargetFilter{}))
		if listed != many || polled != many || len(summaries) != many {
			t.Errorf("listed %d, polled %d, summarized %d", listed, polled, len(summaries))
		}
	})
}

// TestManyPackages needs several statements for one image.
func TestManyPackages(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		const many = 1500
		names := make([]string, many)
		for i := range names {
			names[i] = fmt.Sprintf("package-%04d", i)
		}
		advance(t, s, "", "sha256:g1", nil)
		check(t, s.SaveImage(ctx, inventory(digest(1), names...), nil, "syft 1", start))
		check(t, s.SaveGroups(ctx, digest(1), matcher, groups(names...)))
		unmatched := must[[]databuild.StoredGroup](t)(s.Unmatched(ctx, digest(1)))
		found := map[int64][]vuln.GroupFinding{}
		for _, g := range unmatched {
			if len(g.Keys) != 2 {
				t.Fatalf("keys of %s: %q", g.Fingerprint, g.Keys)
			}
			found[g.ID] = []vuln.GroupFinding{finding("CVE-2026-1", g.Keys[0], vuln.Low), finding("CVE-2026-2", g.Keys[0], vuln.High)}
		}
		check(t, s.SaveFindings(ctx, "sha256:g1", matcher, found, start))
		matches := must[[]vuln.Match](t)(s.Matches(ctx, digest(1)))
		if len(unmatched) != many || len(matches) != 2*many || matches[many-1].Package.Name != names[many-1] {
			t.Errorf("%d unmatched, %d matches", len(unmatched), len(matches))
		}
	})
}
