package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// failing notes that a step of something fails.
func failing(t *testing.T, s *store.Store, kind watch.WatcherKind, name string) {
	t.Helper()
	check(t, s.NoteFailing(t.Context(), watch.Failing{Kind: kind, Name: name,
		Problem: &watch.Problem{Stage: watch.StageEvaluate, Message: "violates a constraint", Since: start}}))
}

// TestFailingStepsAreShown: a step that keeps failing is a problem of its tag, and
// counts for its registry.
func TestFailingStepsAreShown(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, app := t.Context(), target(t, "app:1")
		subscribe(t, s, app)
		failing(t, s, watch.TagWatcher, app.String())
		shown, _, err := s.Overview(ctx, watch.OverviewFilter{Failing: true})
		check(t, err)
		if len(shown) != 1 || shown[0].Problem == nil || shown[0].Problem.Message != "violates a constraint" {
			t.Errorf("shown as failing: %+v", shown)
		}
		registries := must[[]watch.RegistryState](t)(s.RegistryStates(ctx))
		if len(registries) != 1 || registries[0].Failing != 1 || registries[0].Example == nil {
			t.Errorf("registries: %+v", registries)
		}
		failing(t, s, watch.RegistryWatcher, registries[0].Registry)
		want := map[watch.WatcherKind]int{watch.TagWatcher: 1, watch.RegistryWatcher: 1}
		if diff := cmp.Diff(want, must[store.Totals](t)(s.Totals(ctx, start)).FailingSteps); diff != "" {
			t.Errorf("counted (-want +got)\n%s", diff)
		}
	})
}

// TestFailingStepsEndWithWhatTheyAreAbout: nothing keeps failing of what nobody
// follows any more, however it ended.
func TestFailingStepsEndWithWhatTheyAreAbout(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx, app, other := t.Context(), target(t, "app:1"), target(t, "app:2")
		subscribe(t, s, app, other)

		failing(t, s, watch.TagWatcher, app.String())
		failing(t, s, watch.TagWatcher, other.String())
		must[int](t)(s.Unsubscribe(ctx, app, nil, start))
		left := must[[]watch.Failing](t)(s.Failing(ctx))
		if len(left) != 1 || left[0].Name != other.String() {
			t.Errorf("left: %+v", left)
		}
	})
}
