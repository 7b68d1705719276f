package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestManyTargets keeps the work of lists and sweeps in proportion to what they
// return. Work that grows with the square of the targets would not come to an
// end within the test's time.
func TestManyTargets(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		const many = 10_000
		subs := make([]event.Subscription, many)
		for i := range subs {
			subs[i] = subscription(target(t, fmt.Sprintf("registry.example/team-%03d/app:v%d", i%500, i)), event.VulnUpdate)
		}
		check(t, s.Subscribe(ctx, subs, time.Minute, start))

		listed := 0
		filter := watch.TargetFilter{Limit: 1000}
		for {
			page := must[[]image.Target](t)(s.Targets(ctx, filter))
			if len(page) == 0 {
				break
			}
			listed, filter.After = listed+len(page), page[len(page)-1].String()
		}
		swept := 0
		for {
			due := must[[]watch.Look](t)(s.Due(ctx, "registry.example", at(0), 500))
			if len(due) == 0 {
				break
			}
			for i := range due {
				due[i].Seen, due[i].Next = digest(swept+i), at(1)
			}
			check(t, s.Looked(ctx, due))
			swept += len(due)
		}
		summaries := must[[]watch.Summary](t)(s.Summaries(ctx, watch.TargetFilter{}))
		if listed != many || swept != many || len(summaries) != many {
			t.Errorf("listed %d, swept %d, summarized %d", listed, swept, len(summaries))
		}
	})
}
