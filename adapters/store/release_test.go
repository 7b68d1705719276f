package store_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/image"
	"github.com/tagwatch/tagwatch/domain/notification"
	"github.com/tagwatch/tagwatch/domain/subscription"
)

// TestReleaseOfMany: what a repository brought ends, but for what sources bring too, each of
// which gets its own; then the sources end, more tags than one statement names.
func TestReleaseOfMany(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		const tags = 1500
		ctx, app := t.Context(), watched(t)
		app.Types, app.Platforms, app.Most = []notification.Type{notification.TagUpdate}, nil, tags
		check(t, s.SaveRepository(ctx, app, at(0)))
		var names, one, two []string
		for n := range tags {
			names = append(names, fmt.Sprint("v", n))
			switch n % 3 {
			case 0:
				one = append(one, fmt.Sprint("quay.io/team/app:v", n))
			case 1:
				two = append(two, fmt.Sprint("quay.io/team/app:v", n))
			}
		}
		listed(t, s, app.Name, 1, names...)
		for name, references := range map[string][]string{"one": one, "two": two} {
			of := listSource(name)
			of.Types, of.Most = app.Types, tags
			check(t, s.SaveSource(ctx, of, at(1)))
			sourceLists(t, s, name, 1, references...)
		}
		count := func() map[string]int {
			t.Helper()
			by := map[string]int{}
			for _, sub := range must[[]subscription.Subscription](t)(s.Subscriptions(ctx, subscription.Filter{ActiveOnly: true})) {
				by[sub.Source+sub.Repository.String()]++
			}
			return by
		}
		if ended := must[[]image.Target](t)(s.UnwatchTags(ctx, app.Name, at(2))); len(ended) != tags {
			t.Errorf("%d ended", len(ended))
		}
		repository := image.Repository{}.String()
		if diff := cmp.Diff(map[string]int{"one" + repository: tags / 3, "two" + repository: tags / 3}, count()); diff != "" {
			t.Errorf("subscriptions by who brought them (-want +got)\n%s", diff)
		}
		for i, name := range []string{"one", "two"} {
			if ended := must[[]image.Target](t)(s.DeleteSource(ctx, name, at(3))); len(ended) != tags/3 {
				t.Errorf("%d of %s ended", len(ended), name)
			}
			if left := count(); len(left) != 1-i {
				t.Errorf("left after %s: %v", name, left)
			}
		}
		if left := must[[]image.Target](t)(s.Targets(ctx, subscription.TargetFilter{})); len(left) > 0 {
			t.Errorf("%d tags are still watched", len(left))
		}
	})
}
