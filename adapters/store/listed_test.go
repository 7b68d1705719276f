package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tagwatch/tagwatch/adapters/store"
	"github.com/tagwatch/tagwatch/domain/event"
	"github.com/tagwatch/tagwatch/domain/vuln"
	"github.com/tagwatch/tagwatch/domain/watch"
)

// TestEarlierPackagesAreListed: what was stored before packages could be found is
// found when it was listed.
func TestEarlierPackagesAreListed(t *testing.T) {
	eachURL(t, func(t *testing.T, url string) {
		ctx := t.Context()
		s := open(t, url)
		check(t, s.SaveImage(ctx, inventory(digest(1)), nil, "syft 1", start))
		lodash, nameless := module("lodash", "4.17.20"), group("nameless")
		check(t, s.SaveGroups(ctx, digest(1), engine, []vuln.Group{lodash, nameless}))
		if left := must[[]watch.StoredGroup](t)(s.UnlistedGroups(ctx, 10)); len(left) != 0 {
			t.Errorf("not listed: %+v", left)
		}
		execute(t, url, "DELETE FROM group_package")
		execute(t, url, "UPDATE package_group SET listed = FALSE")
		tag := target(t, "registry.example/app:1")
		check(t, s.Subscribe(ctx, []event.Subscription{subscription(tag, event.VulnUpdate)}, 0, start))
		record(t, s, tag, watch.State{Revision: 1, Analyzed: digest(1)})
		query, err := vuln.ParsePackageQuery("pkg:npm/lodash")
		check(t, err)
		if found := must[[]store.PlacedPackage](t)(s.AffectedByPackage(ctx, query)); len(found) != 0 {
			t.Fatalf("found %+v", found)
		}

		packages := map[int64][]vuln.Package{}
		for _, g := range must[[]watch.StoredGroup](t)(s.UnlistedGroups(ctx, 10)) {
			packages[g.ID] = nil
			if g.Fingerprint == lodash.Fingerprint {
				packages[g.ID] = lodash.Packages
			}
		}
		check(t, s.ListPackages(ctx, packages))
		found := must[[]store.PlacedPackage](t)(s.AffectedByPackage(ctx, query))
		if len(found) != 1 {
			t.Fatalf("found %+v", found)
		}
		if diff := cmp.Diff(lodash.Packages[0], found[0].Package); diff != "" || found[0].Target != tag {
			t.Errorf("found of %s (-want +got):\n%s", found[0].Target, diff)
		}
		if left := must[[]watch.StoredGroup](t)(s.UnlistedGroups(ctx, 10)); len(left) != 0 {
			t.Errorf("not listed: %+v", left)
		}
	})
}
