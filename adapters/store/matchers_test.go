package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/databuild"
)

// TestEngines: first and last signs of life, whatever the order in which they
// are noted.
func TestEngines(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		check(t, s.SeeEngine(ctx, "grype 1", at(0)))
		check(t, s.SeeEngine(ctx, "grype 2", at(1)))
		check(t, s.SeeEngine(ctx, "grype 1", at(3)))
		check(t, s.SeeEngine(ctx, "grype 1", at(2))) // of a worker whose clock is behind
		want := []databuild.MatcherSeen{{Matcher: "grype 1", First: at(0), Last: at(3)}, {Matcher: "grype 2", First: at(1), Last: at(1)}}
		if diff := cmp.Diff(want, must[[]databuild.MatcherSeen](t)(s.Matchers(ctx))); diff != "" {
			t.Errorf("matchers (-want +got):\n%s", diff)
		}
	})
}
