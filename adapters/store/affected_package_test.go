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

// module is a group of one node module.
func module(name, version string) vuln.Group {
	g := group(name + "@" + version)
	g.Packages = []vuln.Package{{Name: name, Version: version, Type: "npm", PURL: "pkg:npm/" + name + "@" + version}}
	return g
}

func TestAffectedByPackage(t *testing.T) {
	each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for n, held := range [][]vuln.Group{
			{module("lodash", "4.17.20"), module("express", "4.0.0")},
			{module("lodash", "4.17.21"), module("lodash", "4.17.20")},
			{module("express", "4.0.0")},
		} {
			check(t, s.SaveImage(ctx, inventory(digest(n)), nil, "syft 1", start))
			check(t, s.SaveGroups(ctx, digest(n), matcher, held))
			tag := target(t, "registry.example/app:"+string(rune('a'+n)))
			check(t, s.Subscribe(ctx, []subscription.Subscription{newSubscription(tag, notification.VulnUpdate)}, 0, start))
			check(t, s.Record(ctx, tag, func(watch.RecordView) (watch.Decision, error) {
				return watch.Decision{State: watch.State{Revision: 1, Analyzed: digest(n)}}, nil
			}))
		}
		for _, test := range []struct {
			query string
			want  []string
		}{
			{"pkg:npm/lodash", []string{"app:a 4.17.20", "app:b 4.17.20", "app:b 4.17.21"}},
			{"pkg:npm/Lodash@<4.17.21", []string{"app:a 4.17.20", "app:b 4.17.20"}},
			{"pkg:npm/lodash@4.17.21", []string{"app:b 4.17.21"}},
			{"pkg:npm/lodash@>5", nil},
			{"pkg:pypi/lodash", nil},
			{"pkg:npm/left-pad", nil},
		} {
			query, err := vuln.ParsePackageQuery(test.query)
			check(t, err)
			found, err := s.AffectedByPackage(ctx, query)
			check(t, err)
			var got []string
			for _, p := range found {
				got = append(got, p.Target.String()[len("registry.example/"):]+" "+p.Package.Version)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.query, diff)
			}
		}
	})
}
