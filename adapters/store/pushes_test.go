package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/polling"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// TestTargetsOfReference: a reference is followed on every platform, and names
// that begin like it are others.
func TestTargetsOfReference(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		subscribe(t, s, target(t, "quay.io/app:1"), target(t, "quay.io/app:1@linux/arm64"), target(t, "quay.io/app:1@windows/amd64"),
			target(t, "quay.io/app:1.0"), target(t, "quay.io/app:1A"), target(t, "quay.io/app:1_"), target(t, "quay.io/app:10"), target(t, "quay.io/ap:1"))
		reference := repository(t, "quay.io/app").Reference("1")
		found := must[[]image.Target](t)(s.Targets(t.Context(), subscription.TargetFilter{Reference: &reference}))
		want := []image.Target{target(t, "quay.io/app:1"), target(t, "quay.io/app:1@linux/arm64"), target(t, "quay.io/app:1@windows/amd64")}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestDueNow(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		subscribe(t, s, target(t, "quay.io/app:1"), target(t, "quay.io/app:2"), target(t, "quay.io/other:1"))
		check(t, s.Checked(t.Context(), []polling.Check{{Target: target(t, "quay.io/app:1"), Next: at(60)},
			{Target: target(t, "quay.io/app:2"), Next: at(5)}, {Target: target(t, "quay.io/other:1"), Next: at(60)}}))
		if n := must[int](t)(s.DueNow(t.Context(), repository(t, "quay.io/app"), at(10))); n != 2 {
			t.Errorf("%d targets, want 2", n)
		}
		due := map[string]time.Time{}
		for _, check := range must[[]polling.Check](t)(s.Due(t.Context(), "quay.io", at(100), 10)) {
			due[check.Target.String()] = check.Next
		}
		want := map[string]time.Time{"quay.io/app:1": at(10), "quay.io/app:2": at(5), "quay.io/other:1": at(60)}
		if diff := cmp.Diff(want, due); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
